{{ config(
    materialized='incremental',
    incremental_strategy='append',
    on_schema_change='append_new_columns',
    full_refresh=holdfast.setting('reset'),
) }}
-- what each model said about rows it had not seen; a model's predictions are made once, when it is new, and kept
{% set registry = ref('churn_model') -%}
{% set training_set = ref('churn_training_set') -%}
{% set predicted = "select model_id from " ~ this if is_incremental() else "select ''" -%}
{% set models = holdfast.registered_models(registry, "stage != 'archived' and model_id not in (" ~ predicted ~ ')') -%}
{% for model in models -%}
select
    customer_id,
    as_of,
    '{{ model.model_id }}' as model_id,
    '{{ model.algorithm }}' as algorithm,
    cast({{ holdfast.predict(registry, model, training_set) }} as double) as probability,
    churned,
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
    cast(null as double) as probability,
    churned,
from {{ training_set }}
where false
{%- endfor %}
