{#- A SQL condition: a number is there, and neither infinite nor NaN, which engines sort above every number. -#}
{% macro is_finite(value) %}
    {{- return('abs(cast(' ~ value ~ ' as double)) <= 1.7976931348623157e308') -}}
{% endmacro %}
