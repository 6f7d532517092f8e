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
        mrr - lag(mrr) over (partition by customer_id order by started_at asc, subscription_id asc) as mrr_change,
    from {{ ref('holdfast', 'stg_holdfast__subscriptions') }}

),

-- of several that run at once, the newest tells tenure and renewals; their revenue adds up
running as (

    select
        started_features.customer_id,
        started_features.as_of,
        subscriptions.started_at,
        subscriptions.mrr_change,
        sum(subscriptions.mrr) over (partition by started_features.customer_id, started_features.as_of) as mrr,
        cast({{ holdfast.months_between('subscriptions.started_at', 'started_features.as_of') }} as integer)
            as renewals,
    from started_features
    inner join subscriptions
        on subscriptions.customer_id = started_features.customer_id
        and subscriptions.started_at < started_features.as_of
        and (subscriptions.ended_at is null or subscriptions.ended_at >= started_features.as_of)
    qualify row_number() over (
        partition by started_features.customer_id, started_features.as_of
        order by subscriptions.started_at desc, subscriptions.subscription_id desc
    ) = 1

),

final as (

    select
        started_features.customer_id,
        started_features.as_of,
        running.customer_id is not null as subscription_is_active,
        case when running.customer_id is null then 0 else running.mrr end as subscription_mrr,
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
