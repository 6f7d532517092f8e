{{ config(enabled=holdfast.task('winback').enabled) }}
-- one score per lapsed customer at the build's as-of date; a build rewrites its own date and keeps all others
{{ holdfast.scores('winback') }}
