{{ config(enabled=holdfast.has_input('web_events')) }}
with

-- where events carry no session, a day with events counts as one
visits as (

    select
        customer_id,
        occurred_at,
        event_type,
        loaded_at,
        coalesce(cast(session_id as varchar), cast(cast(occurred_at as date) as varchar)) as visit_id,
    from {{ ref('holdfast', 'stg_holdfast__web_events') }}

),

-- A cart is settled when the day after it is over, and then abandoned unless a purchase of that day is known. The
-- purchase may be loaded later still: ordered_known_at says from when on the cart is known to have led to an order.
settled_carts as (

    select
        carts.customer_id,
        carts.event_id,
        carts.occurred_at + interval 1 day as settled_at,
        carts.loaded_at,
        -- greatest() passes over NULL, so a cart without an order needs a word of its own
        min(
            case
                when orders.order_id is not null
                    then greatest(carts.loaded_at, orders.ordered_at, orders.loaded_at)
            end
        ) as ordered_known_at,
    from {{ ref('holdfast', 'stg_holdfast__web_events') }} as carts
    left join {{ ref('holdfast', 'stg_holdfast__orders') }} as orders
        on orders.customer_id = carts.customer_id
        and orders.ordered_at >= carts.occurred_at
        and orders.ordered_at < carts.occurred_at + interval 1 day
        and orders.amount > 0
    where carts.event_type = 'cart'
    group by carts.customer_id, carts.event_id, carts.occurred_at, carts.loaded_at

),

visit_features as (

    {{ holdfast.feature_view(
        spine=ref('holdfast', 'holdfast__customer_spine'),
        events=api.Relation.create(identifier='visits'),
        event_at='occurred_at',
        known_at='loaded_at',
        windows=[30, 90],
        features={
            'web_session_count': {
                'sql': 'count(distinct visit_id)', 'empty': 0,
                'windows': [7, 30, 90, '30d offset 30d', '90d offset 90d'],
            },
            'web_view_count': {'sql': 'count(*)', 'where': "event_type = 'view'", 'empty': 0},
            'web_cart_count': {'sql': 'count(*)', 'where': "event_type = 'cart'", 'empty': 0},
            'web_search_count': {'sql': 'count(*)', 'where': "event_type = 'search'", 'empty': 0},
        },
        recency={
            'web_days_since_visit': 'occurred_at',
            'web_days_since_cart': {'at': 'occurred_at', 'where': "event_type = 'cart'"},
        },
    ) | indent(4) }}

),

cart_features as (

    {{ holdfast.feature_view(
        spine=ref('holdfast', 'holdfast__customer_spine'),
        events=api.Relation.create(identifier='settled_carts'),
        event_at='settled_at',
        known_at='loaded_at',
        windows=[30, 90],
        features={'settled_carts': {'sql': 'count(*)', 'empty': 0}},
    ) | indent(4) }}

),

ordered_cart_features as (

    {{ holdfast.feature_view(
        spine=ref('holdfast', 'holdfast__customer_spine'),
        events=api.Relation.create(identifier='settled_carts'),
        event_at='settled_at',
        known_at='ordered_known_at',
        windows=[30, 90],
        features={'ordered_carts': {'sql': 'count(*)', 'where': 'ordered_known_at is not null', 'empty': 0}},
    ) | indent(4) }}

),

final as (

    select
        {{ holdfast.all_but([
            'web_session_count_30d_offset_30d',
            'web_session_count_90d_offset_90d',
        ], 'visit_features') }},
        visit_features.web_session_count_30d
        - visit_features.web_session_count_30d_offset_30d as web_session_trend_30d,
        visit_features.web_session_count_90d
        - visit_features.web_session_count_90d_offset_90d as web_session_trend_90d,
        visit_features.web_session_count_30d
        / cast(nullif(
            visit_features.web_session_count_30d + visit_features.web_session_count_30d_offset_30d, 0
        ) as double) as web_session_recent_share_30d,
        visit_features.web_session_count_90d
        / cast(nullif(
            visit_features.web_session_count_90d + visit_features.web_session_count_90d_offset_90d, 0
        ) as double) as web_session_recent_share_90d,
        cart_features.settled_carts_30d - ordered_cart_features.ordered_carts_30d as web_abandoned_cart_count_30d,
        cart_features.settled_carts_90d - ordered_cart_features.ordered_carts_90d as web_abandoned_cart_count_90d,
        (cart_features.settled_carts_90d - ordered_cart_features.ordered_carts_90d)
        / cast(nullif(cart_features.settled_carts_90d, 0) as double) as web_abandoned_cart_share_90d,
    from visit_features
    inner join cart_features
        on cart_features.customer_id = visit_features.customer_id
        and cart_features.as_of = visit_features.as_of
    inner join ordered_cart_features
        on ordered_cart_features.customer_id = visit_features.customer_id
        and ordered_cart_features.as_of = visit_features.as_of

)

select * from final
