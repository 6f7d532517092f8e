{#- A SQL expression: the wall clock of UTC, a timestamp without time zone, at a moment that knows its time zone. -#}
{% macro as_utc(moment) %}
    {{- return(adapter.dispatch('as_utc', 'holdfast')(moment)) -}}
{% endmacro %}
