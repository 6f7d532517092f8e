{{ config(enabled=holdfast.task('recommendation').enabled) }}
-- what the recommendation models learn from: candidates of customers who then ordered
{{ holdfast.training_set('recommendation') }}
