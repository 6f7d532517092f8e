{{ config(enabled=holdfast.has_input('subscriptions')) }}
with

started_features as (

    {{ holdfast.feature_view(
        spine=ref('holdfast', 'holdfast__customer_spine'),
        events=ref('holdfast', 'stg_holdfast__subscriptions'),
        event_at='started_at',
        known_at=false,
        lifetime={'subscription_count': {'sql': 'count(*)', 'empty': 0}},
    ) | indent(4) }}

),

-- the end is an event of its own: before it nobody knew, whatever the row says today
ended_features as (

    {{ holdfast.feature_view(
        spine=ref('holdfast', 'holdfast__customer_spine'),
        events=ref('holdfast', 'stg_holdfast__subscriptions'),
        event_at='ended_at',
        known_at=false,
        lifetime={'subscription_lapse_count': {'sql': 'count(*)', 'empty': 0}},
        recency={'subscription_days_since_end': 'ended_at'},
    ) | indent(4) }}

),

subscriptions as (

    select
        *,
        mrr - lag(mrr) over (
            partition by customer_id order by started_at asc nulls last, subscription_id asc nulls last
        ) as mrr_change,
    from {{ ref('holdfast', 'stg_holdfast__subscriptions') }}

),

-- what runs at as_of; where nothing does, what ended last, until the allowed gap is over in which another may follow
known as (

    select
        started_features.customer_id,
        started_features.as_of,
        subscriptions.subscription_id,
        subscriptions.started_at,
        subscriptions.mrr,
        subscriptions.mrr_change,
        case when subscriptions.ended_at < started_features.as_of then subscriptions.ended_at end as ended_at,
    from started_features
    inner join subscriptions
        on subscriptions.customer_id = started_features.customer_id
        and subscriptions.started_at < started_features.as_of
        and (
            subscriptions.ended_at is null
            or (
                subscriptions.ended_at > subscriptions.started_at
                and subscriptions.ended_at
                >= started_features.as_of - interval {{ holdfast.setting('allowed_gap_days') }} day
            )
        )

),

latest as (

    select *
    from known
    qualify rank() over (
        partition by customer_id, as_of
        order by ended_at is null desc nulls last, ended_at desc nulls last
    ) = 1

),

-- of several that run at once, the newest tells tenure and renewals; their revenue adds up
running as (

    select
        customer_id,
        as_of,
        started_at,
        mrr_change,
        sum(mrr) over (partition by customer_id, as_of) as mrr,
        cast({{ holdfast.months_between('started_at', 'as_of') }} as integer) as renewals,
    from latest
    qualify row_number() over (
        partition by customer_id, as_of
        order by started_at desc nulls last, subscription_id desc nulls last
    ) = 1

),

final as (

    select
        started_features.customer_id,
        started_features.as_of,
        running.customer_id is not null as subscription_is_active,
        {{ holdfast.told_by(
            'subscriptions', 'mrr', 'case when running.customer_id is null then 0 else running.mrr end', 'decimal(38, 4)'
        ) }} as subscription_mrr,
        running.mrr_change as subscription_mrr_change,
        {{ holdfast.days_between('running.started_at', 'running.as_of') }} as subscription_tenure_days,
        running.renewals as subscription_renewal_count,
        {{ holdfast.days_between('running.as_of', holdfast.plus_months('running.started_at', 'running.renewals + 1')) }}
            as subscription_days_to_renewal,
        started_features.subscription_count,
        ended_features.subscription_lapse_count,
        ended_features.subscription_days_since_end,
    from started_features
    inner join ended_features
        on ended_features.customer_id = started_features.customer_id
        and ended_features.as_of = started_features.as_of
    left join running
        on running.customer_id = started_features.customer_id
        and running.as_of = started_features.as_of

)

select * from final
