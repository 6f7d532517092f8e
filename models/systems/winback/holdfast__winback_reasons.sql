{{ config(enabled=holdfast.task('winback').enabled) }}
-- why the model thinks that a lapsed customer may return: the features that raise the probability most, in words
{{ holdfast.reasons('winback') }}
