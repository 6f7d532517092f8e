{{ config(enabled=holdfast.task('winback').enabled) }}
-- whether a purchase came within the horizon
{{ holdfast.labels('winback') }}
