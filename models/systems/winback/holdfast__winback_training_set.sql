{{ config(enabled=holdfast.task('winback').enabled) }}
-- what the win-back models learn from: customers who had lapsed by as_of
{{ holdfast.training_set('winback') }}
