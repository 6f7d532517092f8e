{{ config(enabled=holdfast.task('future_spend').enabled) }}
-- what each customer spends in the next 90 days
{{ holdfast.labels('future_spend') }}
