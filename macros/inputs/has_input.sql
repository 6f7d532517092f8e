{#- Whether an input is there, the user's own or the demo's. Reads vars only, so `config(enabled=…)` may ask while dbt parses. -#}
{% macro has_input(input) %}
    {%- set relation = var('holdfast_' ~ input, none) -%}
    {{- return((relation is not none and relation | string | trim != '') or holdfast.is_demo()) -}}
{% endmacro %}
