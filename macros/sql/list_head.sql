{#- A SQL expression: the first items of a list, as many as `count` says, a SQL expression. -#}
{% macro list_head(list, count) %}
    {{- return(adapter.dispatch('list_head', 'holdfast')(list, count)) -}}
{% endmacro %}
