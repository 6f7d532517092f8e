{#- A query: the names of all time zones that the engine knows, in the column time_zone. -#}
{% macro time_zone_names() %}
    {{- return(adapter.dispatch('time_zone_names', 'holdfast')()) -}}
{% endmacro %}
