{{ config(enabled=holdfast.has_input('web_events')) }}
{#- sqlfluff cannot place a loop that is empty, as that of the types is before they are chosen #}
-- noqa: disable=LT02
{#- which types have features is what the data says #}
{% set types = holdfast.event_columns('web_events', totals=false) -%}
{% set windows = holdfast.horizon_windows() -%}
{% set short, long = windows[0], windows[1] -%}
{% set sessions = [short, long, short ~ 'd offset ' ~ short ~ 'd', long ~ 'd offset ' ~ long ~ 'd'] -%}
with

-- where events carry no session, a day with events counts as one
visits as (

    select
        customer_id,
        occurred_at,
        {{ holdfast.event_slot(
            holdfast.normal_event_type('event_type'), holdfast.kept_event_types('web_events')
        ) }} as event_slot,
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
    where {{ holdfast.normal_event_type('carts.event_type') }} = 'cart'
    group by carts.customer_id, carts.event_id, carts.occurred_at, carts.loaded_at

),

counted as (

    {{ holdfast.feature_view(
        spine=ref('holdfast', 'holdfast__customer_spine'),
        events=api.Relation.create(identifier='visits'),
        event_at='occurred_at',
        known_at='loaded_at',
        features=dict(types.aggregates, web_session_count={
            'sql': 'count(distinct visit_id)', 'empty': 0, 'windows': ([7] if short > 7 else []) + sessions,
        }),
    ) | indent(4) }}

),

-- apart from the counts, which so read no more events than their longest window has
since as (

    {{ holdfast.feature_view(
        spine=ref('holdfast', 'holdfast__customer_spine'),
        events=api.Relation.create(identifier='visits'),
        event_at='occurred_at',
        known_at='loaded_at',
        recency=dict(types.recency, web_days_since_visit='occurred_at'),
    ) | indent(4) }}

),

cart_features as (

    {{ holdfast.feature_view(
        spine=ref('holdfast', 'holdfast__customer_spine'),
        events=api.Relation.create(identifier='settled_carts'),
        event_at='settled_at',
        known_at='loaded_at',
        windows=[short, long],
        features={'settled_carts': {'sql': 'count(*)', 'empty': 0}},
    ) | indent(4) }}

),

ordered_cart_features as (

    {{ holdfast.feature_view(
        spine=ref('holdfast', 'holdfast__customer_spine'),
        events=api.Relation.create(identifier='settled_carts'),
        event_at='settled_at',
        known_at='ordered_known_at',
        windows=[short, long],
        features={'ordered_carts': {'sql': 'count(*)', 'where': 'ordered_known_at is not null', 'empty': 0}},
    ) | indent(4) }}

),

final as (

    select
        counted.customer_id,
        counted.as_of,
        {% if short > 7 -%}
        counted.web_session_count_7d,
        {% endif -%}
        {% for days in [short, long] -%}
        {% set visits = 'counted.web_session_count_' ~ days ~ 'd' -%}
        {% set before = visits ~ '_offset_' ~ days ~ 'd' -%}
        {{ visits }},
        {{ visits }} - {{ before }} as web_session_trend_{{ days }}d,
        {{ visits }} / cast(nullif({{ visits }} + {{ before }}, 0) as double) as web_session_recent_share_{{ days }}d,
        cart_features.settled_carts_{{ days }}d
        - ordered_cart_features.ordered_carts_{{ days }}d as web_abandoned_cart_count_{{ days }}d,
        {% endfor -%}
        since.web_days_since_visit,
        (cart_features.settled_carts_{{ long }}d - ordered_cart_features.ordered_carts_{{ long }}d)
        / cast(nullif(cart_features.settled_carts_{{ long }}d, 0) as double) as web_abandoned_cart_share_{{ long }}d,
        {%- for column in types.columns %}
        {{ column.sql }} as {{ holdfast.quoted(column.name) }},
        {%- endfor %}
    from counted
    inner join since
        on since.customer_id = counted.customer_id
        and since.as_of = counted.as_of
    inner join cart_features
        on cart_features.customer_id = counted.customer_id
        and cart_features.as_of = counted.as_of
    inner join ordered_cart_features
        on ordered_cart_features.customer_id = counted.customer_id
        and ordered_cart_features.as_of = counted.as_of

)

select * from final
