{#-
  A SQL expression: a timestamp, or date, and some months, which may be fewer than none; `months` is a whole number or a SQL
  expression. The day of the month stays, or becomes the last one.
-#}
{% macro plus_months(at, months) %}
    {{- return(adapter.dispatch('plus_months', 'holdfast')(at, months)) -}}
{% endmacro %}
