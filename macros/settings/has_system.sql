{#-
  Whether a system that can be switched off is built: the var `holdfast_systems` lists it, and the input that it cannot do
  without is there. Reads vars only, so `config(enabled=…)` may ask while dbt parses.
-#}
{% macro has_system(name) %}
    {%- set needs = {'recommendations': 'order_items'} -%}
    {{- return(name in holdfast.setting('systems') and (name not in needs or holdfast.has_input(needs[name]))) -}}
{% endmacro %}
