{#-
  A SQL expression: the probability that a registered model gives a row of `features`, a relation whose columns hold
  the model's features. Features go in by name; those that are not there, or are no numbers, stop the compile and are
  named.
-#}
{% macro model_probability(registry, model, features, alias=none) %}
    {{- return(adapter.dispatch('model_probability', 'holdfast')(registry, model, features, alias)) -}}
{% endmacro %}

{% macro duckdb__model_probability(registry, model, features, alias) %}
    {{- return(holdfast._model_call('holdfast_predict', registry, model, features, alias)) -}}
{% endmacro %}


{% macro _model_call(function, registry, model, features, alias) %}
    {%- do holdfast._check_features(model, features) -%}
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


{#- Stops the compile where a relation does not have every feature of a model as a number; one that is not built yet is not asked. -#}
{% macro _check_features(model, features) %}
    {%- if features is string or holdfast.exists(features) -%}
        {%- set types = holdfast._column_types(features) -%}
        {%- set missing = [] -%}
        {%- set no_numbers = [] -%}
        {%- for name in model.feature_names -%}
            {%- set type = types.get(name | lower) -%}
            {%- if type is none -%}
                {%- do missing.append(name) -%}
            {%- elif modules.re.fullmatch('U?(TINY|SMALL|BIG|HUGE)?INT(EGER)?|FLOAT|REAL|DOUBLE|BOOL(EAN)?|(DECIMAL|NUMERIC)([(].*[)])?', type) is none -%}
                {%- do no_numbers.append(name ~ ' (' ~ type | lower ~ ')') -%}
            {%- endif -%}
        {%- endfor -%}
        {%- if missing -%}
            {%- do exceptions.raise_compiler_error(
                'The model ' ~ model.model_id ~ ' needs features that ' ~ features ~ ' does not have: ' ~ missing | join(', ')
                ~ '. Bring them back, or train anew with `holdfast_retrain: true`.'
            ) -%}
        {%- endif -%}
        {%- if no_numbers -%}
            {%- do exceptions.raise_compiler_error(
                'The model ' ~ model.model_id ~ ' needs numbers (or booleans) that are something else in ' ~ features ~ ': '
                ~ no_numbers | join(', ') ~ '. Cast them in the SQL of the feature.'
            ) -%}
        {%- endif -%}
    {%- endif -%}
{% endmacro %}
