-- the times in which somebody was a customer: from a purchase to the silence that is churn, or from start to lapse
{% set horizon_days = holdfast.setting('churn_horizon_days') -%}
{% set allowed_gap_days = holdfast.setting('allowed_gap_days') -%}
with

known as (

    select {{ holdfast.known_until() }} as known_until,

),

purchases as (

    select
        customer_id,
        ordered_at,
        coalesce(
            ordered_at >= interval {{ horizon_days }} day + lag(ordered_at) over (
                partition by customer_id order by ordered_at asc nulls last, order_id asc nulls last
            ),
            true
        ) as is_new,
        row_number() over (partition by customer_id order by ordered_at asc nulls last, order_id asc nulls last) as purchase_number,
    from {{ ref('holdfast', 'stg_holdfast__orders') }}
    where
        amount > 0
        and ordered_at < {{ holdfast.as_of_date() }}
        and customer_id is not null

),

numbered as (

    select
        *,
        sum(cast(is_new as integer)) over (partition by customer_id order by purchase_number asc nulls last) as spell,
    from purchases

),

bought as (

    select
        customer_id,
        spell,
        min(ordered_at) as started_at,
        max(ordered_at) as last_active_at,
        max(ordered_at) + interval {{ horizon_days }} day as ends_at,
        max(ordered_at) + interval {{ horizon_days }} day as known_at,
    from numbered
    group by customer_id, spell

),

memberships as (

    {{ holdfast.memberships(allowed_gap_days, as_of=holdfast.as_of_date()) | indent(4) }}

),

subscribed as (

    select
        customer_id,
        membership as spell,
        min(started_at) as started_at,
        max(lapsed_at) as lapsed_at,
    from memberships
    group by customer_id, membership

),

spells as (

    select
        'non_contractual' as churn_definition,
        customer_id,
        spell,
        started_at,
        last_active_at,
        ends_at,
        known_at,
    from bought

    union all

    select
        'contractual' as churn_definition,
        customer_id,
        spell,
        started_at,
        case when lapsed_at < timestamp '9999-01-01' then lapsed_at end as last_active_at,
        lapsed_at as ends_at,
        lapsed_at + interval {{ allowed_gap_days }} day as known_at,
    from subscribed

),

final as (

    select
        spells.churn_definition,
        spells.customer_id,
        cast(spells.spell as bigint) as spell,
        spells.started_at,
        spells.last_active_at,
        case when spells.known_at <= known.known_until then spells.ends_at end as ended_at,
    from spells
    cross join known

)

select * from final
