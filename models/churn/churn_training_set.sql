-- what the churn models learn from
{{ holdfast.training_set(ref('churn_labels'), label='churned') }}
