{{ config(enabled=holdfast.task('future_spend').enabled) }}
-- what each model said about rows it had not seen, and what came
{{ holdfast.holdout_predictions('future_spend') }}
