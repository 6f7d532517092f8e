{#- A SQL expression: what the clock of a time zone shows at a time in UTC, a timestamp without time zone. -#}
{% macro local_time(at, time_zone) %}
    {{- return(adapter.dispatch('local_time', 'holdfast')(at, time_zone)) -}}
{% endmacro %}
