{#- A SQL expression: what each feature adds to the log-odds of the probability, a list in the order of the model's features. -#}
{% macro contributions(registry, model, features, alias=none) %}
    {{- return(adapter.dispatch('contributions', 'holdfast')(registry, model, features, alias)) -}}
{% endmacro %}

{% macro duckdb__contributions(registry, model, features, alias) %}
    {{- return(holdfast._model_call('holdfast_contributions', registry, model, features, alias)) -}}
{% endmacro %}
