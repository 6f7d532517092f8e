{#- A SQL expression: what each feature adds to the log-odds of the probability, a list in the order of the model's features. -#}
{% macro contributions(registry, model, features, alias=none) %}
    {{- return(holdfast._call_model_on('contributions', registry, model, features, alias)) -}}
{% endmacro %}
