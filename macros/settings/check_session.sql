{#- Refuses settings of the session under which no SQL could mean what it says; all others make no difference. -#}
{% macro check_session() %}
    {{- return(adapter.dispatch('check_session', 'holdfast')()) -}}
{% endmacro %}
