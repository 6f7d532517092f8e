{{ config(enabled=holdfast.task('future_spend').enabled) }}
-- one score per customer at the build's as-of date; a build rewrites its own date and keeps all others
{{ holdfast.scores('future_spend') }}
