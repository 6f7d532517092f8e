{{ config(materialized='view') }}
-- what each model predicted for ten groups of equal size, and what came: the calibration curve, and what a group holds
with

evaluations as (

    select
        *,
        cast(regexp_extract(metric, '^(row_count|predicted|observed|gain)_decile_([0-9]+)$', 2) as integer) as decile,
    from {{ ref('holdfast', 'holdfast__model_evaluations') }}
    where {{ holdfast.matches('metric', '^(row_count|predicted|observed|gain)_decile_[0-9]+$') }}

),

final as (

    select
        model_id,
        task,
        split,
        as_of,
        segment,
        decile as bin,
        max(value) filter (where metric like 'predicted%') as predicted,
        max(value) filter (where metric like 'observed%') as observed,
        max(lower) filter (where metric like 'observed%') as observed_lower,
        max(upper) filter (where metric like 'observed%') as observed_upper,
        cast(max(value) filter (where metric like 'row_count%') as bigint) as row_count,
        max(value) filter (where metric like 'gain%') as gain,
    from evaluations
    group by model_id, task, split, as_of, segment, decile

)

select * from final
