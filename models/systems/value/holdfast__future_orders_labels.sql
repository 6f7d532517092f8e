{{ config(enabled=holdfast.task('future_orders').enabled) }}
-- how often each customer buys in the next 90 days
{{ holdfast.labels('future_orders') }}
