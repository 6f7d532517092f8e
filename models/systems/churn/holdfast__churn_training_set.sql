-- what the churn models learn from
{{ holdfast.training_set('churn') }}
