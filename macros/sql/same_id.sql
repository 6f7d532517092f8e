{#-
  A SQL expression: an id as a text that is the same for 17, 17.0, '17' and ' 17 '. Whole numbers (`is_whole`) need no more than
  a cast. holdfast.warehouse.search says the same in Python.
-#}
{% macro same_id(id, is_whole=false) %}
    {{- return(adapter.dispatch('same_id', 'holdfast')(id, is_whole)) -}}
{% endmacro %}
