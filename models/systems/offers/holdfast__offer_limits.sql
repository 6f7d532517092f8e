{{ config(enabled=holdfast.has_system('offers')) }}
-- what the random arm leaves of each limit for the policy
with

limits as (

    {{ holdfast.offer_limit_rows() | indent(4) }}

),

drawn as (

    select
        candidates.action,
        candidates.segment,
        candidates.expected_cost,
    from {{ ref('holdfast', 'holdfast__offer_candidates') }} as candidates
    inner join {{ ref('holdfast', 'holdfast__offer_arms') }} as arms
        on arms.customer_id = candidates.customer_id
        and arms.drawn_action = candidates.action

),

used as (

    select
        'budget' as kind,
        cast(null as varchar) as name,
        cast(sum(expected_cost) as double) as amount,
    from drawn

    union all

    select
        'contacts' as kind,
        cast(null as varchar) as name,
        cast(count(*) as double) as amount,
    from drawn

    union all

    select
        'offer' as kind,
        action as name,
        cast(count(*) as double) as amount,
    from drawn
    group by action

    union all

    select
        'segment' as kind,
        segment as name,
        cast(count(*) as double) as amount,
    from drawn
    group by segment

),

final as (

    select
        cast(limits.kind as varchar) as kind,
        cast(limits.name as varchar) as name,
        limits.amount as limit_amount,
        coalesce(used.amount, 0e0) as used_at_random,
        greatest(limits.amount - coalesce(used.amount, 0e0), 0e0) as amount,
    from limits
    left join used
        on used.kind = limits.kind
        and coalesce(used.name, '') = coalesce(limits.name, '')

)

select * from final
