{#-
  A SQL expression: the probability that a registered model gives a row of `features`, a relation whose columns hold
  the model's features. Features go in by name; one that is not there stops the compile and is named.
-#}
{% macro predict(registry, model, features, alias=none) %}
    {{- return(adapter.dispatch('predict', 'holdfast')(registry, model, features, alias)) -}}
{% endmacro %}

{% macro duckdb__predict(registry, model, features, alias) %}
    {{- return(holdfast._model_call('holdfast_predict', registry, model, features, alias)) -}}
{% endmacro %}


{#- A SQL expression: what each feature adds to the log-odds of `predict`, a list in the order of the model's features. -#}
{% macro contributions(registry, model, features, alias=none) %}
    {{- return(adapter.dispatch('contributions', 'holdfast')(registry, model, features, alias)) -}}
{% endmacro %}

{% macro duckdb__contributions(registry, model, features, alias) %}
    {{- return(holdfast._model_call('holdfast_contributions', registry, model, features, alias)) -}}
{% endmacro %}


{% macro _model_call(function, registry, model, features, alias) %}
    {%- set present = [] -%}
    {%- for column in adapter.get_columns_in_relation(features) -%}
        {%- do present.append(column.name | lower) -%}
    {%- endfor -%}
    {%- set missing = [] -%}
    {%- for name in model.feature_names if name | lower not in present -%}
        {%- do missing.append(name) -%}
    {%- endfor -%}
    {%- if missing -%}
        {%- do exceptions.raise_compiler_error(
            'The model ' ~ model.model_id ~ ' needs features that ' ~ features ~ ' does not have: ' ~ missing | join(', ')
            ~ '. Bring them back, or train anew with `holdfast_retrain: true`.'
        ) -%}
    {%- endif -%}
    {%- set prefix = alias ~ '.' if alias else '' -%}
    {%- set arguments = [] -%}
    {%- for name in model.feature_names -%}
        {%- do arguments.append(prefix ~ adapter.quote(name)) -%}
    {%- endfor -%}
    {{- return(
        function ~ "('" ~ (registry | string | replace("'", "''")) ~ "', '" ~ (model.model_id | replace("'", "''")) ~ "', "
        ~ arguments | join(', ') ~ ')'
    ) -}}
{% endmacro %}
