{{ config(materialized='view') }}
-- each customer's newest score
with

ranked as (

    select
        *,
        row_number() over (partition by customer_id order by as_of desc nulls last) as newest,
    from {{ ref('holdfast', 'holdfast__churn_scores') }}

),

final as (

    select
        customer_id,
        as_of,
        as_of_date,
        model_id,
        status,
        churn_probability,
        churn_percentile,
        risk_band,
        reason_1,
        reason_2,
        reason_3,
        scored_at,
    from ranked
    where newest = 1

)

select * from final
