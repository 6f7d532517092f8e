{#- A SQL expression for the select list: the items of a list, a row for each. -#}
{% macro list_rows(list) %}
    {{- return(adapter.dispatch('list_rows', 'holdfast')(list)) -}}
{% endmacro %}
