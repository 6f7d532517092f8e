{#-
  The select of the first days of the months (`month`, a date) from one date to another, both SQL expressions; none where one is NULL.
-#}
{% macro months(first, last) %}
    {{- return(adapter.dispatch('months', 'holdfast')(first, last)) -}}
{% endmacro %}
