{#- Whole days that have passed from one timestamp to another. -#}
{% macro days_between(earlier, later) %}
    {{- return(adapter.dispatch('days_between', 'holdfast')(earlier, later)) -}}
{% endmacro %}

{% macro default__days_between(earlier, later) %}
    {{- return("date_sub('day', " ~ earlier ~ ', ' ~ later ~ ')') -}}
{% endmacro %}

{% macro spark__days_between(earlier, later) %}
    {{- return('timestampdiff(day, ' ~ earlier ~ ', ' ~ later ~ ')') -}}
{% endmacro %}
