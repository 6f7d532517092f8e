-- one score per active customer at the build's as-of date; a build rewrites its own date and keeps all others
{{ holdfast.scores('churn') }}
