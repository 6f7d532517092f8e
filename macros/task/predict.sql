{#-
  A relation for the `from` of any model: the rows and columns of `relation`, with what the task's champion says of each row in
  model_id and <task>_probability, of a regression <task>_value. Both are NULL while the task has no champion.

  `relation` is a relation or a select in brackets; it has the model's features as columns, in any order, among any others.
  `model_id` pins a model of the task, whatever its stage.
-#}
{% macro predict(task, relation, model_id=none) %}
    {%- set task = holdfast.task(task) -%}
    {%- set registry = holdfast.task_step(task, 'model') -%}
    {%- if execute and model.resource_type == 'model' and model.config.materialized == 'view' -%}
        {%- do exceptions.raise_compiler_error(
            'holdfast.predict: ' ~ model.name ~ ' is a view, which no other program could read, because it calls a function of this '
            ~ "build. Make it a table: {{ config(materialized='table') }}."
        ) -%}
    {%- endif -%}
    {%- set scorer = holdfast.champion(registry) if model_id is none else holdfast._pinned_model(registry, model_id) -%}
    {%- if scorer and (relation is string or holdfast.exists(relation)) -%}
        {%- set taken = [] -%}
        {%- for column in holdfast._column_types(relation) if column in ['model_id', task.score_column | lower] -%}
            {%- do taken.append(column) -%}
        {%- endfor -%}
        {%- if taken -%}
            {%- do exceptions.raise_compiler_error(
                'holdfast.predict: ' ~ relation ~ ' has a column ' ~ taken | join(' and a column ')
                ~ ', the name of the prediction. Leave it out: (select * exclude (' ~ taken | join(', ')
                ~ ') from …).'
            ) -%}
        {%- endif -%}
    {%- endif -%}
    {%- set probability = holdfast.model_probability(registry, scorer, relation, alias='predicted') if scorer else 'null' -%}
    {{- return(
        '(select predicted.*, cast(' ~ (holdfast.text(scorer.model_id) if scorer else 'null') ~ ' as varchar) as model_id, cast('
        ~ probability ~ ' as double) as ' ~ task.score_column ~ ' from ' ~ relation ~ ' as predicted)'
    ) -}}
{% endmacro %}


{#- A model by its id, or none where nothing has been trained yet; an id that is not there is an error that names those that are. -#}
{% macro _pinned_model(registry, model_id) %}
    {%- set models = holdfast.registered_models(registry) -%}
    {%- set found = models | selectattr('model_id', 'equalto', model_id) | list -%}
    {%- if models and not found -%}
        {%- do exceptions.raise_compiler_error(
            'holdfast.predict: ' ~ registry ~ ' has no model with the id ' ~ model_id ~ '; it has '
            ~ models | map(attribute='model_id') | join(', ') ~ '.'
        ) -%}
    {%- endif -%}
    {{- return(found | first if found else none) -}}
{% endmacro %}
