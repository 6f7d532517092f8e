{#-
  The columns of the customers input that `holdfast_context_columns` names, as the input writes them, for customer_context. Only what
  is named is told, and a personal column is told because somebody has named it.
-#}
{% macro context_columns() %}
    {%- set relation = holdfast.input_relation('customers') -%}
    {%- set names = holdfast.setting('context_columns') -%}
    {%- if not execute or not names -%}
        {{- return([]) -}}
    {%- endif -%}
    {%- set found = holdfast._column_types(relation) if relation is not none else {} -%}
    {%- for name in names if name | lower not in found -%}
        {%- do exceptions.raise_compiler_error(
            'The var `holdfast_context_columns` names ' ~ name ~ ', which is no column of the customers input'
            ~ (' (' ~ found.keys() | join(', ') ~ ')' if found else ': there is none. Set the var `holdfast_customers`') ~ '.'
        ) -%}
    {%- endfor -%}
    {{- return(names | map('lower') | unique | list) -}}
{% endmacro %}
