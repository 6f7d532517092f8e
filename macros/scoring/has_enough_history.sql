{#- The customers that a model may learn from and score: enough orders, and long enough known. -#}
{% macro has_enough_history(features) %}
    {{- return(
        features ~ '.orders_lifetime >= ' ~ holdfast.setting('min_orders')
        ~ ' and ' ~ features ~ '.first_order_age_days >= ' ~ holdfast.setting('min_history_days')
    ) -}}
{% endmacro %}
