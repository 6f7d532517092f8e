{{ config(
    materialized='incremental',
    incremental_strategy='append',
    on_schema_change='append_new_columns',
    full_refresh=holdfast.setting('reset'),
) }}
-- how good each model was on the months it had not seen: each month alone, and all of them together (as_of NULL)
with

predictions as (

    {% for task in holdfast.setting('tasks') -%}
    select
        model_id,
        '{{ task }}' as task,
        customer_id,
        as_of,
        probability,
        cast(churned as integer) as outcome,
    from {{ ref(task ~ '_holdout_predictions') }}
    {{ 'union all' if not loop.last }}
    {% endfor %}
),

unseen as (

    select *
    from predictions
    {% if is_incremental() -%}
    where model_id not in (select model_id from {{ this }})
    {%- endif %}

),

scopes as (

    select
        *,
        as_of as scope,
    from unseen

    union all

    select
        *,
        cast(null as timestamp) as scope,
    from unseen

),

ranked as (

    select
        *,
        -- the mean rank of ties, so that AUROC counts a tie as half
        rank() over (partition by model_id, task, scope order by probability)
        + (count(*) over (partition by model_id, task, scope, probability) - 1) / 2.0e0 as mean_rank,
        ntile(10) over (
            partition by model_id, task, scope order by probability desc, customer_id asc, as_of asc
        ) as decile,
        least(greatest(probability, 1e-15), 1 - 1e-15) as clipped,
    from scopes

),

deciles as (

    select
        model_id,
        task,
        scope,
        decile,
        count(*) as row_count,
        avg(outcome) as observed,
        avg(probability) as predicted,
    from ranked
    group by model_id, task, scope, decile

),

calibration as (

    select
        model_id,
        task,
        scope,
        sum(row_count * abs(observed - predicted)) / sum(row_count) as expected_calibration_error,
        max(observed) filter (where decile = 1) as top_decile_rate,
    from deciles
    group by model_id, task, scope

),

summed as (

    select
        model_id,
        task,
        scope,
        count(*) as row_count,
        sum(outcome) as positives,
        avg(outcome) as base_rate,
        avg(probability) as mean_probability,
        (sum(mean_rank) filter (where outcome = 1) - sum(outcome) * (sum(outcome) + 1) / 2.0e0)
        / nullif(sum(outcome) * (count(*) - sum(outcome)), 0) as auroc,
        -avg(outcome * ln(clipped) + (1 - outcome) * ln(1 - clipped)) as log_loss,
        avg((probability - outcome) * (probability - outcome)) as brier,
    from ranked
    group by model_id, task, scope

),

wide as (

    select
        summed.*,
        calibration.expected_calibration_error,
        calibration.top_decile_rate / nullif(summed.base_rate, 0) as top_decile_lift,
    from summed
    inner join calibration
        on calibration.model_id = summed.model_id
        and calibration.task = summed.task
        and calibration.scope is not distinct from summed.scope

),

long as (

    {% for metric in [
        'row_count', 'base_rate', 'mean_probability', 'auroc', 'log_loss', 'brier', 'top_decile_lift',
        'expected_calibration_error',
    ] -%}
    select
        model_id,
        task,
        scope,
        '{{ metric }}' as metric,
        cast({{ metric }} as double) as value,
    from wide
    {{ 'union all' if not loop.last }}
    {% endfor %}
),

final as (

    select
        model_id,
        task,
        'test' as split,
        scope as as_of,
        metric,
        value,
        cast(null as double) as lower,
        cast(null as double) as upper,
    from long

)

select * from final
