{#-
  A SQL expression: the time in UTC at which the clock of a time zone shows a time. A time that the clock skips in spring is
  as long after the change as it would have been without one; of a time that it shows twice in autumn the engine takes one.
-#}
{% macro utc_time(at, time_zone) %}
    {{- return(adapter.dispatch('utc_time', 'holdfast')(at, time_zone)) -}}
{% endmacro %}
