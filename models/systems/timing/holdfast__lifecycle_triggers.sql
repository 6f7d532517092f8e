{{ config(enabled=holdfast.has_system('timing')) }}
-- what there is to tell each customer now, and the one thing to begin with
{% set as_of = 'cast(' ~ holdfast.as_of_date() ~ ' as timestamp)' -%}
with

rules as (

    select * from {{ ref('holdfast', 'holdfast__trigger_rules') }}

),

purchases as (

    select
        customer_id,
        ordered_at,
    from {{ holdfast.as_known_at(
        ref('holdfast', 'stg_holdfast__orders'), holdfast.event_times()['stg_holdfast__orders'], as_of
    ) }} as orders
    where
        amount > 0
        and customer_id is not null

),

fired as (

    select * from {{ ref('holdfast', 'holdfast__lifecycle_trigger_log') }}
    where fired_date <= {{ holdfast.as_of_date() }}

),

answered as (

    select
        fired.trigger_id,
        min(purchases.ordered_at) as ordered_at,
    from fired
    inner join purchases
        on purchases.customer_id = fired.customer_id
        and purchases.ordered_at >= fired.triggered_at
        and purchases.ordered_at < fired.expires_at
    group by fired.trigger_id

),

-- a purchase settles what asked for one
current as (

    select
        fired.*,
        answered.ordered_at,
        coalesce(rules.priority, 1000) as priority,
        coalesce(',' || replace(rules.excluded_by, ' ', '') || ',', ',,') as excluded_by,
        fired.expires_at > {{ as_of }}
        and coalesce(rules.is_enabled, false)
        and (fired.trigger in ('renewal', 'anniversary') or answered.ordered_at is null) as is_open,
    from fired
    left join rules on rules.trigger = fired.trigger
    left join answered on answered.trigger_id = fired.trigger_id

),

open_now as (

    select * from current
    where is_open

),

-- of two that exclude each other the one with the better priority stays
exclusions as (

    select
        one.trigger_id,
        {{ holdfast.value_at_max('other.trigger', '(-other.priority, other.trigger)') }} as excluded_by,
    from open_now as one
    inner join open_now as other
        on other.customer_id = one.customer_id
        and other.trigger <> one.trigger
    where
        strpos(one.excluded_by, ',' || other.trigger || ',') > 0
        and not (
            strpos(other.excluded_by, ',' || one.trigger || ',') > 0
            and (one.priority, one.trigger) < (other.priority, other.trigger)
        )
    group by one.trigger_id

),

ranked as (

    select
        open_now.trigger_id,
        row_number() over (
            partition by open_now.customer_id
            order by
                open_now.priority asc nulls last,
                open_now.triggered_at desc nulls last,
                open_now.trigger asc nulls last
        ) as place,
    from open_now
    left join exclusions on exclusions.trigger_id = open_now.trigger_id
    where exclusions.trigger_id is null

),

final as (

    select
        current.trigger_id,
        current.customer_id,
        {{ holdfast.as_of_date() }} as as_of_date,
        current.trigger,
        current.triggered_at,
        current.period_starts_at,
        current.expires_at,
        current.fired_date,
        current.is_open,
        coalesce(ranked.place = 1, false) as is_first_choice,
        cast(exclusions.excluded_by as varchar) as excluded_by,
        cast(current.priority as integer) as priority,
        current.product_id,
        current.evidence,
        current.ordered_at,
    from current
    left join exclusions on exclusions.trigger_id = current.trigger_id
    left join ranked on ranked.trigger_id = current.trigger_id

)

select * from final
