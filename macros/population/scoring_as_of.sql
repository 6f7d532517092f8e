{#- The moment that is scored: the build's as-of date, or the latest of a spine of the user's own. A SQL expression. -#}
{% macro scoring_as_of() %}
    {%- if var('holdfast_spine', none) is not none -%}
        {{- return('(select max(as_of) from ' ~ ref('holdfast', 'holdfast__customer_spine') ~ ')') -}}
    {%- else -%}
        {{- return('cast(' ~ holdfast.as_of_date() ~ ' as timestamp)') -}}
    {%- endif -%}
{% endmacro %}
