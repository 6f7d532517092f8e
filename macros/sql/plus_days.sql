{#-
  A SQL expression: a timestamp and some days; `days` is a SQL expression. A fixed number of days is `interval 30 day` everywhere.
-#}
{% macro plus_days(at, days) %}
    {{- return(adapter.dispatch('plus_days', 'holdfast')(at, days)) -}}
{% endmacro %}
