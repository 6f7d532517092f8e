{#-
  A SQL expression: the list of an expression's values for the whole numbers from 0 to `last`, in which `name` stands for the
  number. Where a row needs a sum over many terms it takes far less than rows for the terms, and the terms keep their order,
  so that the sum is the same in every build.
-#}
{% macro list_over(last, name, expression) %}
    {{- return(adapter.dispatch('list_over', 'holdfast')(last, name, expression)) -}}
{% endmacro %}
