{#- A SQL expression: the item of a list at a position, counted from 1; NULL where the list is shorter. -#}
{% macro list_item(list, position) %}
    {{- return(adapter.dispatch('list_item', 'holdfast')(list, position)) -}}
{% endmacro %}
