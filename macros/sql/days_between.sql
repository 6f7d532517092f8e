{#- A SQL expression: whole days that have passed from one timestamp to another. -#}
{% macro days_between(earlier, later) %}
    {{- return(adapter.dispatch('days_between', 'holdfast')(earlier, later)) -}}
{% endmacro %}
