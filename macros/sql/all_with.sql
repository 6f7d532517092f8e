{#- For the select list: all columns, with other values in some; `expressions` is a dict of columns and SQL expressions. -#}
{% macro all_with(expressions) %}
    {{- return(adapter.dispatch('all_with', 'holdfast')(expressions)) -}}
{% endmacro %}
