{#- A SQL expression: whole months that have passed from one timestamp, or date, to another. -#}
{% macro months_between(earlier, later) %}
    {{- return(adapter.dispatch('months_between', 'holdfast')(earlier, later)) -}}
{% endmacro %}
