{#- A text as a SQL literal. -#}
{% macro _text(value) %}
    {{- return(adapter.dispatch('_text', 'holdfast')(value)) -}}
{% endmacro %}


{#- Texts as SQL literals, a list. -#}
{% macro _texts(values) %}
    {%- set literals = [] -%}
    {%- for value in values -%}
        {%- do literals.append(holdfast._text(value)) -%}
    {%- endfor -%}
    {{- return(literals) -}}
{% endmacro %}


{#- A number as a SQL literal of type double. -#}
{% macro _double(number) %}
    {{- return("'%.17e'" | replace("'", '') | format(number | float)) -}}
{% endmacro %}
