{#- Whether an input is there, the user's own or the demo's. Reads vars only, so `config(enabled=…)` may ask while dbt parses. -#}
{% macro has_input(input) %}
    {%- set relation = var('holdfast_' ~ input, none) -%}
    {#- events may be a mapping of names, and an empty one names none -#}
    {{- return((relation is not none and relation | string | trim not in ['', '{}']) or holdfast._has_demo(input)) -}}
{% endmacro %}


{#- Whether the demo shop stands in for an input: it has files of most of them. -#}
{% macro _has_demo(input) %}
    {{- return(holdfast.is_demo() and input not in ['product_availability', 'approvals', 'competitor_prices', 'loyalty', 'events']) -}}
{% endmacro %}
