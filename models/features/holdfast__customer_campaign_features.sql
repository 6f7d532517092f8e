{{ config(enabled=holdfast.has_input('campaign_sends')) }}
with

-- what really went out: the control group got nothing; send_number counts a customer's sends from 1.
sends as (

    select
        *,
        row_number() over (
            partition by customer_id order by sent_at asc nulls last, send_id asc nulls last
        ) as send_number,
    from {{ ref('holdfast', 'stg_holdfast__campaign_sends') }}
    where not coalesce(is_control, false)

),

-- a send is settled when the week after it is over; ordered_known_at says from when on a purchase in that week is known
settled_sends as (

    select
        sends.customer_id,
        sends.send_id,
        sends.sent_at + interval 7 day as settled_at,
        min(greatest(orders.ordered_at, orders.loaded_at)) as ordered_known_at,
    from sends
    left join {{ ref('holdfast', 'stg_holdfast__orders') }} as orders
        on orders.customer_id = sends.customer_id
        and orders.ordered_at >= sends.sent_at
        and orders.ordered_at < sends.sent_at + interval 7 day
        and orders.amount > 0
    group by sends.customer_id, sends.send_id, sends.sent_at

),

send_features as (

    {{ holdfast.feature_view(
        spine=ref('holdfast', 'holdfast__customer_spine'),
        events=api.Relation.create(identifier='sends'),
        event_at='sent_at',
        known_at=false,
        windows=[30, 90, 365],
        features={'campaign_send_count': {'sql': 'count(*)', 'empty': 0}},
        lifetime={'sends': {'sql': 'count(*)', 'empty': 0}},
    ) | indent(4) }}

),

open_features as (

    {{ holdfast.feature_view(
        spine=ref('holdfast', 'holdfast__customer_spine'),
        events=api.Relation.create(identifier='sends'),
        event_at='opened_at',
        known_at=false,
        windows=[30, 90],
        features={'campaign_open_count': {'sql': 'count(*)', 'empty': 0}},
        lifetime={'last_opened_send': {'sql': 'max(send_number)', 'empty': 0}},
        recency={'campaign_days_since_open': 'opened_at'},
    ) | indent(4) }}

),

click_features as (

    {{ holdfast.feature_view(
        spine=ref('holdfast', 'holdfast__customer_spine'),
        events=api.Relation.create(identifier='sends'),
        event_at='clicked_at',
        known_at=false,
        windows=[30, 90],
        features={'campaign_click_count': {'sql': 'count(*)', 'empty': 0}},
        recency={'campaign_days_since_click': 'clicked_at'},
    ) | indent(4) }}

),

-- for the rates, openings and clicks belong to the window of their send, so that no rate is above 1; they still count
-- only once they have happened
opened_send_features as (

    {{ holdfast.feature_view(
        spine=ref('holdfast', 'holdfast__customer_spine'),
        events=api.Relation.create(identifier='sends'),
        event_at='sent_at',
        known_at='opened_at',
        windows=[90, 365],
        features={'opened_sends': {'sql': 'count(*)', 'where': 'opened_at is not null', 'empty': 0}},
    ) | indent(4) }}

),

clicked_send_features as (

    {{ holdfast.feature_view(
        spine=ref('holdfast', 'holdfast__customer_spine'),
        events=api.Relation.create(identifier='sends'),
        event_at='sent_at',
        known_at='clicked_at',
        windows=[90, 365],
        features={'clicked_sends': {'sql': 'count(*)', 'where': 'clicked_at is not null', 'empty': 0}},
    ) | indent(4) }}

),

settled_send_features as (

    {{ holdfast.feature_view(
        spine=ref('holdfast', 'holdfast__customer_spine'),
        events=api.Relation.create(identifier='settled_sends'),
        event_at='settled_at',
        known_at=false,
        windows=[365],
        features={'settled_sends': {'sql': 'count(*)', 'empty': 0}},
    ) | indent(4) }}

),

ordered_send_features as (

    {{ holdfast.feature_view(
        spine=ref('holdfast', 'holdfast__customer_spine'),
        events=api.Relation.create(identifier='settled_sends'),
        event_at='settled_at',
        known_at='ordered_known_at',
        windows=[90, 365],
        features={'campaign_order_count': {'sql': 'count(*)', 'where': 'ordered_known_at is not null', 'empty': 0}},
    ) | indent(4) }}

),

-- where nobody records openings or clicks, there is nothing to count: no zeros
final as (

    select
        send_features.customer_id,
        send_features.as_of,
        send_features.campaign_send_count_30d,
        send_features.campaign_send_count_90d,
        send_features.campaign_send_count_365d,
        {{ holdfast.told_by('campaign_sends', 'opened_at', 'open_features.campaign_open_count_30d', 'bigint') }}
            as campaign_open_count_30d,
        {{ holdfast.told_by('campaign_sends', 'opened_at', 'open_features.campaign_open_count_90d', 'bigint') }}
            as campaign_open_count_90d,
        {{ holdfast.told_by('campaign_sends', 'clicked_at', 'click_features.campaign_click_count_30d', 'bigint') }}
            as campaign_click_count_30d,
        {{ holdfast.told_by('campaign_sends', 'clicked_at', 'click_features.campaign_click_count_90d', 'bigint') }}
            as campaign_click_count_90d,
        {{ holdfast.told_by('campaign_sends', 'opened_at', 'opened.opened_sends_90d', 'bigint') }}
        / cast(nullif(send_features.campaign_send_count_90d, 0) as double) as campaign_open_rate_90d,
        {{ holdfast.told_by('campaign_sends', 'opened_at', 'opened.opened_sends_365d', 'bigint') }}
        / cast(nullif(send_features.campaign_send_count_365d, 0) as double) as campaign_open_rate_365d,
        {{ holdfast.told_by('campaign_sends', 'clicked_at', 'clicked.clicked_sends_90d', 'bigint') }}
        / cast(nullif(send_features.campaign_send_count_90d, 0) as double) as campaign_click_rate_90d,
        {{ holdfast.told_by('campaign_sends', 'clicked_at', 'clicked.clicked_sends_365d', 'bigint') }}
        / cast(nullif(send_features.campaign_send_count_365d, 0) as double) as campaign_click_rate_365d,
        ordered.campaign_order_count_90d,
        ordered.campaign_order_count_365d
        / cast(nullif(settled.settled_sends_365d, 0) as double) as campaign_order_rate_365d,
        {{ holdfast.told_by(
            'campaign_sends', 'opened_at', 'send_features.sends - open_features.last_opened_send', 'bigint'
        ) }} as campaign_sends_since_open,
        open_features.campaign_days_since_open,
        click_features.campaign_days_since_click,
    from send_features
    inner join open_features
        on open_features.customer_id = send_features.customer_id
        and open_features.as_of = send_features.as_of
    inner join click_features
        on click_features.customer_id = send_features.customer_id
        and click_features.as_of = send_features.as_of
    inner join opened_send_features as opened
        on opened.customer_id = send_features.customer_id
        and opened.as_of = send_features.as_of
    inner join clicked_send_features as clicked
        on clicked.customer_id = send_features.customer_id
        and clicked.as_of = send_features.as_of
    inner join settled_send_features as settled
        on settled.customer_id = send_features.customer_id
        and settled.as_of = send_features.as_of
    inner join ordered_send_features as ordered
        on ordered.customer_id = send_features.customer_id
        and ordered.as_of = send_features.as_of

)

select * from final
