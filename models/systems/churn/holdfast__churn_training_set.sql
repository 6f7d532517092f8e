-- what the churn models learn from
{% do holdfast._late_orders(['run']) -%}
{{ holdfast.training_set('churn') }}
