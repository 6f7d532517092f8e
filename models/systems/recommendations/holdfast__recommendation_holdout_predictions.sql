{{ config(enabled=holdfast.task('recommendation').enabled) }}
-- what each model said about rows it had not seen, and what was bought
{{ holdfast.holdout_predictions('recommendation') }}
