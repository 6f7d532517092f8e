{#-
  What the metrics of model_evaluations depend on, as JSON: `costs`, and one `number` for all settings. When the number
  changes, they are computed again.
-#}
{% macro evaluation_settings() %}
    {#- raise the version when a metric is added or computed otherwise -#}
    {%- set version = 3 -%}
    {%- set costs = {} -%}
    {%- for name in ['contact_budget', 'contact_cost', 'offer_cost', 'save_rate', 'customer_value'] -%}
        {%- do costs.update({name: holdfast.setting(name)}) -%}
    {%- endfor -%}
    {%- set values = [version] + costs.values() | list + [holdfast.segment_names(), holdfast.setting('least_group')] -%}
    {#- twelve hexadecimal digits, which a double holds exactly -#}
    {{- return(tojson({'costs': costs, 'number': local_md5(tojson(values))[:12] | int(0, 16)})) -}}
{% endmacro %}
