{#-
  The select of what each model of a task said about rows that it had not seen, and what came. A model's predictions are
  made once, when it is new, and kept. `label` is the label's column in `<task>_training_set`; a number for a
  regression, whose predictions are `predicted_value`.
-#}
{% macro holdout_predictions(task, label) %}
    {%- do holdfast._check_task_name('holdout_predictions', 'task', task) -%}
    {%- do holdfast._check_task_name('holdout_predictions', 'label', label) -%}
    {{- config(
        materialized='incremental',
        incremental_strategy='append',
        on_schema_change='append_new_columns',
        full_refresh=holdfast.setting('reset'),
    ) -}}
    {%- set predicted_column = holdfast._predicted_column(task) -%}
    {%- set type = 'double' if holdfast._is_regression(task) else 'boolean' -%}
    {%- set registry = ref(task ~ '_model') -%}
    {%- set training_set = ref(task ~ '_training_set') -%}
    {%- set predicted = "select model_id from " ~ this if is_incremental() else "select ''" -%}
    {%- set models = holdfast.registered_models(registry, "stage != 'archived' and model_id not in (" ~ predicted ~ ')') -%}
{%- for model in models if model.parameters.split.test -%}
select
    customer_id,
    as_of,
    '{{ model.model_id }}' as model_id,
    '{{ model.algorithm }}' as algorithm,
    cast({{ holdfast.model_probability(registry, model, training_set) }} as double) as {{ predicted_column }},
    cast({{ label }} as {{ type }}) as {{ label }},
from {{ training_set }}
where as_of in (
    {%- for as_of in model.parameters.split.test -%}
    timestamp '{{ as_of }}'{{ ', ' if not loop.last }}
    {%- endfor -%}
)
{{ 'union all' if not loop.last }}
{% else -%}
-- no new model
select
    customer_id,
    as_of,
    cast(null as varchar) as model_id,
    cast(null as varchar) as algorithm,
    cast(null as double) as {{ predicted_column }},
    cast({{ label }} as {{ type }}) as {{ label }},
from {{ training_set }}
where false
{%- endfor %}
{%- endmacro %}
