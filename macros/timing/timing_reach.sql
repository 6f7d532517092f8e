{#- Over how many neighbours on each side activity is spread: hours are, weekdays are not. -#}
{% macro timing_reach(unit) %}
    {{- return(6 if unit == 'hour' else 0) -}}
{% endmacro %}
