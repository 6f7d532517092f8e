{{ config(enabled=holdfast.task('future_spend').enabled) }}
-- what the models of future spend learn from
{{ holdfast.training_set('future_spend') }}
