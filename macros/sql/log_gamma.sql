{#- A SQL expression: the natural logarithm of the gamma function of a number above 0. -#}
{% macro log_gamma(value) %}
    {{- return(adapter.dispatch('log_gamma', 'holdfast')(value)) -}}
{% endmacro %}
