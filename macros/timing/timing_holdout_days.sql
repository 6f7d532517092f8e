{#- How many days of activity timing is chosen on, and judged on. -#}
{% macro timing_holdout_days() %}
    {{- return(90) -}}
{% endmacro %}
