{{ config(materialized='view') }}
-- how good the systems are that are no tasks, on time that they had not seen, beside what they must beat
{% set models = ['value_evaluations', 'value_baseline_evaluations', 'next_purchase_evaluations'] -%}
{% if holdfast.has_system('timing') -%}
{% set models = models + ['contact_timing_evaluations', 'replenishment_evaluations'] -%}
{% endif -%}
{% if holdfast.has_system('recommendations') -%}
{% set models = models + ['recommendation_evaluations'] -%}
{% endif -%}
with

final as (

    {% for name in models -%}
    select
        task,
        algorithm,
        stage,
        split,
        as_of,
        segment,
        metric,
        value,
        lower,
        upper,
        row_count,
    from {{ ref('holdfast', 'holdfast__' ~ name) }}
    {{ 'union all' if not loop.last }}
    {% endfor %}
)

select * from final
