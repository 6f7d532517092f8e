{#- A SQL expression: the different items of a list, in order. -#}
{% macro sorted_distinct(list) %}
    {{- return(adapter.dispatch('sorted_distinct', 'holdfast')(list)) -}}
{% endmacro %}
