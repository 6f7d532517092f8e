{#-
  The customers that a model may learn from and score: enough orders, and long enough known. Where churn is contractual a
  subscription that has run so long will do, too, if the features of the task tell it. A SQL condition, never NULL.
-#}
{% macro has_enough_history(features, task) %}
    {%- set days = holdfast.setting('min_history_days') -%}
    {%- set conditions = [
        features ~ '.orders_lifetime >= ' ~ holdfast.setting('min_orders') ~ ' and ' ~ features ~ '.first_order_age_days >= ' ~ days,
    ] -%}
    {%- set relation = holdfast.task_features(task) -%}
    {%- set tells_tenure = task.features == 'customer_features' or (
        execute and holdfast.exists(relation) and 'subscription_tenure_days' in holdfast._column_types(relation)
    ) -%}
    {%- if holdfast.setting('churn_definition') == 'contractual' and tells_tenure -%}
        {%- do conditions.append(features ~ '.subscription_tenure_days >= ' ~ days) -%}
    {%- endif -%}
    {{- return('coalesce(' ~ conditions | join(' or ') ~ ', false)') -}}
{% endmacro %}
