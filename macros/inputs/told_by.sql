{#-
  A SQL expression, or NULL of its type where the input has no such column: what nobody recorded is missing, and no measured 0.
-#}
{% macro told_by(input, column, expression, type='double') %}
    {%- set relation = holdfast.input_relation(input) -%}
    {%- if execute and relation is not none and column not in holdfast._column_types(relation) -%}
        {{- return('cast(null as ' ~ type ~ ')') -}}
    {%- endif -%}
    {{- return(expression) -}}
{% endmacro %}
