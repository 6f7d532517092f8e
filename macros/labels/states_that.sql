{#-
  The names of the lifecycle states that have a property, as a list of SQL texts for `in (…)`: `is_keepable`, or how they begin.

      state in ({{ holdfast.states_that(is_keepable=true) }})
-#}
{% macro states_that(is_keepable=none, begins=none) %}
    {%- set names = [] -%}
    {%- for state in holdfast.lifecycle_states() -%}
        {%- if (is_keepable is none or state.is_keepable == is_keepable) and (begins is none or state.begins == begins) -%}
            {%- do names.append(holdfast.text(state.name)) -%}
        {%- endif -%}
    {%- endfor -%}
    {{- return(names | join(', ')) -}}
{% endmacro %}
