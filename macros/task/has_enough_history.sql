{#-
  The customers that a model may learn from and score: enough orders, and long enough known. Where churn is contractual a
  subscription that has run so long will do, too. A SQL condition, never NULL.
-#}
{% macro has_enough_history(features) %}
    {%- set days = holdfast.setting('min_history_days') -%}
    {%- set conditions = [
        features ~ '.orders_lifetime >= ' ~ holdfast.setting('min_orders') ~ ' and ' ~ features ~ '.first_order_age_days >= ' ~ days,
    ] -%}
    {%- if holdfast.setting('churn_definition') == 'contractual' -%}
        {%- do conditions.append(features ~ '.subscription_tenure_days >= ' ~ days) -%}
    {%- endif -%}
    {{- return('coalesce(' ~ conditions | join(' or ') ~ ', false)') -}}
{% endmacro %}
