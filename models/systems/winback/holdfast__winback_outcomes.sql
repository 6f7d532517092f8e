{{ config(enabled=holdfast.task('winback').enabled) }}
-- who returned of those scored, once the horizon is over
{{ holdfast.outcomes('winback') }}
