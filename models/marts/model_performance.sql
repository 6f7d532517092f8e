-- the models beside each other, on the months that none of them had seen
with

registry as (

    select * from {{ ref('model_registry') }}

),

evaluations as (

    select
        model_id,
        split,
        max(value) filter (where metric = 'row_count') as row_count,
        max(value) filter (where metric = 'base_rate') as base_rate,
        max(value) filter (where metric = 'mean_probability') as mean_probability,
        max(value) filter (where metric = 'auroc') as auroc,
        max(value) filter (where metric = 'log_loss') as log_loss,
        max(value) filter (where metric = 'brier') as brier,
        max(value) filter (where metric = 'top_decile_lift') as top_decile_lift,
        max(value) filter (where metric = 'expected_calibration_error') as expected_calibration_error,
    from {{ ref('model_evaluations') }}
    where as_of is null
    group by model_id, split

),

final as (

    select
        registry.task,
        registry.algorithm,
        registry.stage,
        registry.model_id,
        registry.trained_at,
        registry.training_from,
        registry.training_to,
        evaluations.split,
        cast(evaluations.row_count as bigint) as row_count,
        evaluations.base_rate,
        evaluations.mean_probability,
        evaluations.auroc,
        evaluations.log_loss,
        evaluations.brier,
        evaluations.top_decile_lift,
        evaluations.expected_calibration_error,
    from registry
    inner join evaluations on evaluations.model_id = registry.model_id

)

select * from final
