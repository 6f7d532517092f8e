{#- The regressions that compete in customer_value, as far as they are switched on: task, label and measure (orders or spend) of each. -#}
{% macro value_tasks() %}
    {%- set found = [] -%}
    {%- for name, measure in [('future_orders', 'orders'), ('future_spend', 'spend')] if holdfast.task(name).enabled -%}
        {%- do found.append({'task': holdfast.task(name), 'measure': measure}) -%}
    {%- endfor -%}
    {{- return(found) -}}
{% endmacro %}
