{{ config(enabled=holdfast.task('recommendation').enabled) }}
-- whether the customer bought the product within the horizon; of those who ordered anything in it
{% set task = holdfast.task('recommendation') -%}
with

candidates as (

    select
        candidates.customer_id,
        candidates.product_id,
        candidates.as_of,
        candidates.as_of + interval {{ task.lead_days }} day as horizon_starts_at,
        candidates.as_of + interval {{ task.lead_days + task.horizon_days }} day as horizon_ends_at,
    from {{ ref('holdfast', 'holdfast__recommendation_candidates') }} as candidates
    where candidates.as_of < {{ holdfast.scoring_as_of() }}

),

bought as (

    select distinct
        candidates.customer_id,
        candidates.as_of,
        candidates.product_id,
    from candidates
    inner join {{ ref('holdfast', 'holdfast__recommendation_purchases') }} as purchases
        on purchases.customer_id = candidates.customer_id
        and purchases.product_id = candidates.product_id
        and purchases.ordered_at >= candidates.horizon_starts_at
        and purchases.ordered_at < candidates.horizon_ends_at

),

known as (

    select {{ holdfast.known_until() }} as known_until

),

final as (

    select
        candidates.customer_id,
        candidates.product_id,
        candidates.as_of,
        candidates.horizon_ends_at,
        candidates.horizon_ends_at <= known.known_until as is_mature,
        case
            when candidates.horizon_ends_at <= known.known_until then bought.customer_id is not null
        end as bought,
    from candidates
    cross join known
    left join bought
        on bought.customer_id = candidates.customer_id
        and bought.as_of = candidates.as_of
        and bought.product_id = candidates.product_id

)

select * from final
