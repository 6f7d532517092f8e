{#- A SQL expression: the sum of a list of doubles, added up in their order; 0 of an empty list. -#}
{% macro list_total(list) %}
    {{- return(adapter.dispatch('list_total', 'holdfast')(list)) -}}
{% endmacro %}
