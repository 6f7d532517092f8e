{#-
  The select of what each model of a task said about rows that it had not seen, and what came. A model's predictions are
  made once, when it is new, and kept. Where a history was too short for later dates it was tested on other customers than it
  learned from, those whose hash begins with less than `customers_below` of its split. Predictions are `probability`, or `predicted_value` of a regression.
-#}
{% macro holdout_predictions(task) %}
    {%- do holdfast._takes_a_task('holdout_predictions', task, kwargs) -%}
    {%- set task = holdfast.task(task) -%}
    {{- config(
        materialized='incremental',
        incremental_strategy='append',
        on_schema_change='append_new_columns',
        full_refresh=holdfast.setting('reset'),
        pre_hook="{{ holdfast.widen_columns() }}",
    ) -}}
    {%- set type = 'double' if task.is_regression else 'boolean' -%}
    {%- set registry = holdfast.task_step(task, 'model') -%}
    {%- set training_set = holdfast.task_step(task, 'training_set') -%}
    {%- set keys = holdfast._quoted(task.entity) -%}
    {%- set label = holdfast.quoted(task.label) -%}
    {%- set predicted = "select model_id from " ~ this if is_incremental() else "select ''" -%}
    {%- set models = holdfast.registered_models(registry, "stage != 'archived' and model_id not in (" ~ predicted ~ ')') -%}
{%- for model in models if model.parameters.split.test -%}
select
    {{ holdfast._key_list('', keys) }}
    as_of,
    {{ holdfast.text(model.model_id) }} as model_id,
    {{ holdfast.text(model.algorithm) }} as algorithm,
    cast({{ holdfast.model_probability(registry, model, training_set) }} as double) as {{ task.predicted_column }},
    cast({{ label }} as {{ type }}) as {{ label }},
from {{ training_set }}
where as_of in (
    {%- for as_of in model.parameters.split.test -%}
    timestamp {{ holdfast.text(as_of) }}{{ ', ' if not loop.last }}
    {%- endfor -%}
)
{%- if model.parameters.split.customers_below %}
and substr({{ holdfast.sha256('cast(customer_id as varchar)') }}, 1, 2) < {{ holdfast.text(model.parameters.split.customers_below) }}
{%- endif %}
{{ 'union all' if not loop.last }}
{% else -%}
-- no new model
select
    {{ holdfast._key_list('', keys) }}
    as_of,
    cast(null as varchar) as model_id,
    cast(null as varchar) as algorithm,
    cast(null as double) as {{ task.predicted_column }},
    cast({{ label }} as {{ type }}) as {{ label }},
from {{ training_set }}
where false
{%- endfor %}
{%- endmacro %}
