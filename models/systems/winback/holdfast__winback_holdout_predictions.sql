{{ config(enabled=holdfast.task('winback').enabled) }}
-- what each model said about rows it had not seen, and what came
{{ holdfast.holdout_predictions('winback') }}
