{{ config(materialized='view') }}
-- what models predicted and what came, beside each other: all that is measured, as it was on the day of the prediction
with

predictions as (

    {% for name in holdfast.tasks() -%}
    {% set task = holdfast.task(name) -%}
    {% for split, step in [('test', 'holdout_predictions'), ('live', 'outcomes')] if split == 'test' or task.live -%}
    select
        model_id,
        {{ holdfast.text(task.name) }} as task,
        {{ holdfast.text(task.target) }} as target,
        {{ holdfast.text(split) }} as split,
        customer_id,
        as_of,
        cast({{ task.predicted_column }} as double) as predicted,
        cast({{ holdfast.quoted(task.label) }} as double) as outcome,
    from {{ holdfast.task_step(task, step) }}
    {{ 'union all' if not loop.last }}
    {% endfor -%}
    {{ 'union all' if not loop.last }}
    {% endfor %}
),

with_segments as (

    {{ holdfast.segmented('predictions') }}

),

final as (

    select
        task,
        target,
        model_id,
        split,
        customer_id,
        as_of,
        predicted,
        outcome,
        segment,
        {{ holdfast.text(holdfast.evaluation_settings()) }} as settings,
    from with_segments

)

select * from final
