{#- A SQL expression: a JSON list, of type text, of the SQL expressions of JSON in `items`; those that are NULL are left out. -#}
{% macro json_list(items) %}
    {{- return("'[' || concat_ws(',', " ~ items | join(', ') ~ ") || ']'") -}}
{% endmacro %}
