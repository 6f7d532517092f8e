{#-
  One number for all settings that the metrics of model_evaluations depend on: when it changes, they are computed again.
-#}
{% macro evaluation_settings() %}
    {#- raise the version when a metric is added or computed otherwise -#}
    {%- set version = 2 -%}
    {%- set values = [version] -%}
    {%- for name in ['contact_budget', 'contact_cost', 'offer_cost', 'save_rate', 'customer_value', 'segments'] -%}
        {%- do values.append(holdfast.setting(name)) -%}
    {%- endfor -%}
    {#- twelve hexadecimal digits, which a double holds exactly -#}
    {{- return(local_md5(tojson(values))[:12] | int(0, 16)) -}}
{% endmacro %}
