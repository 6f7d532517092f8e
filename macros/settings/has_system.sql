{#-
  Whether a system that can be switched off is built: the var `holdfast_systems` lists it and the systems that it builds on,
  and one of the inputs that it cannot do without is there. Reads vars only, so `config(enabled=…)` may ask while dbt parses.
-#}
{% macro has_system(name) %}
    {%- set needs = {
        'recommendations': ['order_items'], 'offers': ['campaign_sends', 'offers'], 'campaigns': ['campaign_sends'], 'pricing': ['order_items'],
        'service': ['support_tickets', 'feedback'],
    } -%}
    {%- set listed = holdfast.setting('systems') -%}
    {%- if name not in listed or (name == 'offers' and 'decisions' not in listed) -%}
        {{- return(false) -}}
    {%- endif -%}
    {%- set found = namespace(input=name not in needs) -%}
    {%- for input in needs.get(name, []) -%}
        {%- set found.input = found.input or holdfast.has_input(input) -%}
    {%- endfor -%}
    {{- return(found.input) -}}
{% endmacro %}
