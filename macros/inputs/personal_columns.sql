{#-
  The columns of an input that are personal, in lower case: those that the yml of the model, seed or source behind it marks
  `meta: {pii: true}`. An input that is no relation of the project has no yml, and so no marks.
-#}
{% macro personal_columns(input) %}
    {%- set personal = [] -%}
    {%- for node in holdfast._nodes_of_input(input) -%}
        {%- for name, column in node.columns.items() -%}
            {%- set meta = {} -%}
            {%- do meta.update(column.get('meta') or {}) -%}
            {%- do meta.update((column.get('config') or {}).get('meta') or {}) -%}
            {%- if meta.get('pii') -%}
                {%- do personal.append(name | lower) -%}
            {%- endif -%}
        {%- endfor -%}
    {%- endfor -%}
    {{- return(personal) -}}
{% endmacro %}
