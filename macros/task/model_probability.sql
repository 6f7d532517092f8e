{#-
  A SQL expression: the probability that a registered model gives a row of `features`, a relation whose columns hold
  the model's features. Features go in by name; those that are not there, or are no numbers, stop the compile and are
  named.
-#}
{% macro model_probability(registry, model, features, alias=none) %}
    {{- return(holdfast._call_model_on('predict', registry, model, features, alias)) -}}
{% endmacro %}


{#- What a model says of a row of `features`, whose columns are looked up by the names of the model's features. -#}
{% macro _call_model_on(output, registry, model, features, alias) %}
    {%- do holdfast._check_features(model, features) -%}
    {%- set prefix = alias ~ '.' if alias else '' -%}
    {%- set columns = [] -%}
    {%- for name in model.feature_names -%}
        {%- do columns.append(prefix ~ holdfast.quoted(name)) -%}
    {%- endfor -%}
    {{- return(holdfast.call_model(output, registry, model.model_id, columns)) -}}
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
            {%- elif modules.re.fullmatch(
                'U?(TINY|SMALL|BIG|HUGE)?INT(EGER)?|FLOAT|REAL|DOUBLE|BOOL(EAN)?|(DECIMAL|NUMERIC)([(].*[)])?', type
            ) is none -%}
                {%- do no_numbers.append(name ~ ' (' ~ type | lower ~ ')') -%}
            {%- endif -%}
        {%- endfor -%}
        {%- if missing -%}
            {%- do exceptions.raise_compiler_error(
                'The model ' ~ model.model_id ~ ' needs features that ' ~ features ~ ' does not have: ' ~ missing | join(', ')
                ~ '. Restore them, or train a new model with `holdfast_retrain: true`.'
            ) -%}
        {%- endif -%}
        {%- if no_numbers -%}
            {%- do exceptions.raise_compiler_error(
                'The model ' ~ model.model_id ~ ' needs numeric or boolean features that have another type in ' ~ features ~ ': '
                ~ no_numbers | join(', ') ~ '. Cast them in the SQL of the feature.'
            ) -%}
        {%- endif -%}
    {%- endif -%}
{% endmacro %}
