{#-
  A SQL expression: the list of an expression's values for the items of a list. In the expression, {item} stands for the item and
  {position} for its place, counted from 0.
-#}
{% macro list_map(list, expression) %}
    {{- return(adapter.dispatch('list_map', 'holdfast')(list, expression)) -}}
{% endmacro %}
