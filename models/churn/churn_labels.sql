-- whether the customer left: no purchase in the horizon that begins `lead_days` after the observation
{% set lead = holdfast.setting('lead_days') -%}
{% set horizon = holdfast.setting('churn_horizon_days') -%}
with

spine as (

    select
        customer_id,
        as_of,
        as_of + interval {{ lead }} day as horizon_starts_at,
        as_of + interval {{ lead + horizon }} day as horizon_ends_at,
    from {{ ref('customer_spine') }}

),

purchases as (

    select
        customer_id,
        ordered_at,
    from {{ ref('stg_orders') }}
    where amount > 0

),

-- what happened after the build's as-of date is not known yet, even where the tables hold it; nor is what happened
-- after the last order, when the as-of date lies beyond the data
known as (

    select
        cast(least(
            {{ holdfast.as_of_date() }},
            (select cast(max(ordered_at) as date) + 1 from {{ ref('stg_orders') }})
        ) as timestamp) as known_until,

),

returned as (

    select distinct
        spine.customer_id,
        spine.as_of,
    from spine
    inner join purchases
        on purchases.customer_id = spine.customer_id
        and purchases.ordered_at >= spine.horizon_starts_at
        and purchases.ordered_at < spine.horizon_ends_at

),

final as (

    select
        spine.customer_id,
        spine.as_of,
        spine.horizon_ends_at,
        spine.horizon_ends_at <= known.known_until as is_mature,
        case
            when spine.horizon_ends_at <= known.known_until then returned.customer_id is null
        end as churned,
    from spine
    cross join known
    left join returned
        on returned.customer_id = spine.customer_id
        and returned.as_of = spine.as_of

)

select * from final
