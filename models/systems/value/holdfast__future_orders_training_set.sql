{{ config(enabled=holdfast.task('future_orders').enabled) }}
-- what the models of future orders learn from
{{ holdfast.training_set('future_orders') }}
