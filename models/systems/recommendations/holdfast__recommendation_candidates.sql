{{ config(materialized='table', enabled=holdfast.has_system('recommendations')) }}
-- which products may be recommended to whom, and all that speaks for and against each
{% set has_events = holdfast.has_input('web_events') %}
{#- candidates of each source; a customer who is long silent, or has not ordered, gets fewer -#}
{% set least_popular, least_with, own_products = 12, 10, 40 -%}
{% set sources = {
    'popular': 24, 'popular_segment': 12, 'bought_with': 24, 'neighbours': 8, 'category': 12, 'viewed': 10,
} -%}
with

customers as (

    select
        *,
        coalesce(days_since_order < 365, false) as is_active,
    from {{ ref('holdfast', 'holdfast__recommendation_customers') }}

),

history as (

    select * from {{ ref('holdfast', 'holdfast__recommendation_history') }}

),

similar_customers as (

    select * from {{ ref('holdfast', 'holdfast__recommendation_similar_customers') }}

),

categories as (

    select
        product_id,
        category,
    from {{ ref('holdfast', 'stg_holdfast__products') }}
    where category is not null

),

products as (

    select
        products.*,
        categories.category,
    from {{ ref('holdfast', 'holdfast__recommendation_products') }} as products
    left join categories on categories.product_id = products.product_id

),

-- the share of each category in what a customer buys
own_categories as (

    select
        history.customer_id,
        history.as_of,
        categories.category,
        cast(sum(cast(history.frequency_365d as decimal(18, 9))) as double) as weight,
        min(history.days_since_bought) as days_since_category,
    from history
    inner join categories on categories.product_id = history.product_id
    group by history.customer_id, history.as_of, categories.category

),

category_shares as (

    select
        customer_id,
        as_of,
        category,
        weight
        / cast(sum(cast(weight as decimal(18, 9))) over (partition by customer_id, as_of) as double) as category_share,
        days_since_category,
        row_number() over (
            partition by customer_id, as_of
            order by weight desc nulls last, category asc nulls last
        ) as place,
    from own_categories

),

-- what others bought with a customer's latest products; `share` and `with_product_id` are those of the closest
related as (

    select
        history.customer_id,
        history.as_of,
        neighbours.with_product_id as product_id,
        cast(sum(cast(neighbours.similarity * history.frequency_365d as decimal(18, 12))) as double) as co_bought,
        cast(sum(cast(neighbours.similarity as decimal(18, 12))) as double) as co_bought_unweighted,
        cast(sum(
            case when history.recent_place <= 10 then cast(neighbours.similarity as decimal(18, 12)) end
        ) as double) as co_bought_recently,
        max(neighbours.share) as with_product_share,
        {{ holdfast.value_at_max('history.product_id', '(neighbours.share, history.product_id)') }} as with_product_id,
    from history
    inner join {{ ref('holdfast', 'holdfast__recommendation_neighbours') }} as neighbours
        on neighbours.as_of = history.as_of
        and neighbours.product_id = history.product_id
    where history.recent_place <= {{ own_products }}
    group by history.customer_id, history.as_of, neighbours.with_product_id

),

related_places as (

    select
        related.*,
        row_number() over (
            partition by related.customer_id, related.as_of, history.product_id is null
            order by related.co_bought desc nulls last, related.product_id asc nulls last
        ) as place,
        history.product_id is not null as is_own,
    from related
    left join history
        on history.customer_id = related.customer_id
        and history.as_of = related.as_of
        and history.product_id = related.product_id

),

-- what similar customers bought in the 90 days before as_of
neighbour_dates as (

    select distinct
        neighbour_id,
        as_of,
    from similar_customers

),

neighbour_purchases as (

    select distinct
        purchases.customer_id,
        neighbour_dates.as_of,
        purchases.product_id,
    from {{ ref('holdfast', 'holdfast__recommendation_purchases') }} as purchases
    inner join neighbour_dates
        on neighbour_dates.neighbour_id = purchases.customer_id
        and purchases.known_at < neighbour_dates.as_of
        and purchases.ordered_at >= neighbour_dates.as_of - interval 90 day

),

neighbour_counts as (

    select
        customer_id,
        as_of,
        count(*) as neighbours,
        sum(cast(similarity as decimal(18, 12))) as similarities,
    from similar_customers
    group by customer_id, as_of

),

neighbours as (

    select
        similar_customers.customer_id,
        similar_customers.as_of,
        neighbour_purchases.product_id,
        count(*) as neighbours_who_bought,
        max(neighbour_counts.neighbours) as neighbours,
        cast(sum(cast(similar_customers.similarity as decimal(18, 12))) as double)
        / cast(max(neighbour_counts.similarities) as double) as neighbour_share,
    from similar_customers
    inner join neighbour_purchases
        on neighbour_purchases.customer_id = similar_customers.neighbour_id
        and neighbour_purchases.as_of = similar_customers.as_of
    inner join neighbour_counts
        on neighbour_counts.customer_id = similar_customers.customer_id
        and neighbour_counts.as_of = similar_customers.as_of
    group by similar_customers.customer_id, similar_customers.as_of, neighbour_purchases.product_id

),

neighbour_places as (

    select
        neighbours.customer_id,
        neighbours.as_of,
        neighbours.product_id,
        row_number() over (
            partition by neighbours.customer_id, neighbours.as_of
            order by neighbours.neighbour_share desc nulls last, neighbours.product_id asc nulls last
        ) as place,
    from neighbours
    left join history
        on history.customer_id = neighbours.customer_id
        and history.as_of = neighbours.as_of
        and history.product_id = neighbours.product_id
    where history.product_id is null

),

{% if has_events -%}
events as (

    select
        customers.customer_id,
        customers.as_of,
        web_events.product_id,
        min({{ holdfast.days_between('web_events.occurred_at', 'customers.as_of') }}) as days_since_viewed,
        count(*) filter (
            where web_events.event_type = 'view' and web_events.occurred_at >= customers.as_of - interval 7 day
        ) as views_7d,
        count(*) filter (where web_events.event_type = 'view') as views_90d,
        count(*) filter (
            where web_events.event_type = 'cart' and web_events.occurred_at >= customers.as_of - interval 7 day
        ) as carts_7d,
        count(*) filter (where web_events.event_type = 'cart') as carts_90d,
    from {{ ref('holdfast', 'stg_holdfast__web_events') }} as web_events
    inner join customers
        on customers.customer_id = web_events.customer_id
        and web_events.occurred_at < customers.as_of
        and web_events.occurred_at >= customers.as_of - interval 90 day
        and coalesce(web_events.loaded_at, web_events.occurred_at) < customers.as_of
    where
        web_events.product_id is not null
        and web_events.event_type in ('view', 'cart')
    group by customers.customer_id, customers.as_of, web_events.product_id

),

event_places as (

    select
        *,
        row_number() over (
            partition by customer_id, as_of
            order by
                carts_90d desc nulls last,
                views_90d desc nulls last,
                days_since_viewed asc nulls last,
                product_id asc nulls last
        ) as place,
    from events

),

{% endif -%}
popular as (

    select
        as_of,
        product_id,
        popularity_rank as place,
    from products
    where popularity_rank <= {{ sources.popular }}

),

segment_places as (

    {% for segment, column in {
        'one order': 'buyer_share_1', 'two to four orders': 'buyer_share_2', 'five or more orders': 'buyer_share_3',
    }.items() -%}
    select
        as_of,
        product_id,
        {{ holdfast.text(segment) }} as segment,
        {{ column }} as share,
        row_number() over (
            partition by as_of
            order by {{ column }} desc nulls last, popularity_rank asc nulls last
        ) as place,
    from products
    where {{ column }} > 0
    {{ 'union all' if not loop.last }}
    {% endfor %}
),

category_places as (

    select
        as_of,
        category,
        product_id,
        row_number() over (
            partition by as_of, category
            order by popularity_rank asc nulls last
        ) as place,
    from products
    where category is not null

),

candidates as (

    select
        customer_id,
        as_of,
        product_id,
    from history
    where is_candidate

    union

    select
        related_places.customer_id,
        related_places.as_of,
        related_places.product_id,
    from related_places
    inner join customers
        on customers.customer_id = related_places.customer_id
        and customers.as_of = related_places.as_of
    where
        not related_places.is_own
        and related_places.place
        <= case when customers.is_active then {{ sources.bought_with }} else {{ least_with }} end

    union

    select
        customers.customer_id,
        customers.as_of,
        popular.product_id,
    from customers
    inner join popular
        on popular.as_of = customers.as_of
        and popular.place <= case
            when customers.is_active or customers.orders_lifetime = 0 then {{ sources.popular }}
            else {{ least_popular }}
        end

    union

    select
        customers.customer_id,
        customers.as_of,
        segment_places.product_id,
    from customers
    inner join segment_places
        on segment_places.as_of = customers.as_of
        and segment_places.segment = customers.segment
        and segment_places.place <= {{ sources.popular_segment }}
    where customers.is_active

    union

    select
        category_shares.customer_id,
        category_shares.as_of,
        category_places.product_id,
    from category_shares
    inner join customers
        on customers.customer_id = category_shares.customer_id
        and customers.as_of = category_shares.as_of
    inner join category_places
        on category_places.as_of = category_shares.as_of
        and category_places.category = category_shares.category
        and category_places.place <= {{ sources.category // 3 }}
    where
        customers.is_active
        and category_shares.place <= 3

    union

    select
        customer_id,
        as_of,
        product_id,
    from neighbour_places
    where place <= {{ sources.neighbours }}
    {%- if has_events %}

    union

    select
        customer_id,
        as_of,
        product_id,
    from event_places
    where place <= {{ sources.viewed }}
    {%- endif %}

),

final as (

    select
        candidates.customer_id,
        candidates.as_of,
        candidates.product_id,
        -- the customer
        customers.orders_lifetime,
        cast(customers.first_order_age_days as float) as first_order_age_days,
        cast(customers.days_since_order as float) as days_since_order,
        cast(customers.order_gap_days as float) as order_gap_days,
        cast(customers.products_per_order as float) as products_per_order,
        cast(customers.spend_per_order as float) as spend_per_order,
        -- what the customer bought
        cast(coalesce(history.times_bought, 0) as float) as times_bought,
        cast(history.days_since_bought as float) as days_since_bought,
        cast(history.days_since_first_bought as float) as days_since_first_bought,
        cast(history.usual_gap_days as float) as usual_gap_days,
        cast(
            history.days_since_bought / cast(nullif(history.usual_gap_days, 0) as double) as float
        ) as share_of_usual_gap,
        cast(
            history.days_since_bought / cast(nullif(products.product_gap_days, 0) as double) as float
        ) as share_of_product_gap,
        cast(history.orders_since_bought as float) as orders_since_bought,
        cast(history.order_share as float) as order_share,
        cast(history.bought_in_last_3_orders as float) as bought_in_last_3_orders,
        cast(history.bought_last_season as float) as bought_last_season,
        -- how much of it: compared with others, with the customer's other products, and with what they spend
        cast(
            history.units / cast(nullif(history.times_bought * products.product_units, 0) as double) as float
        ) as units_to_product,
        cast(
            history.units / cast(nullif(history.times_bought * customers.units_per_product, 0) as double) as float
        ) as units_to_customer,
        cast(
            history.spend / cast(nullif(customers.spend_per_order, 0) as double) as float
        ) as spend_to_order,
        cast(
            products.product_price_28d / cast(nullif(history.last_price, 0) as double) as float
        ) as price_to_last_price,
        cast(history.personal_frequency as float) as personal_frequency,
        cast(history.frequency_30d as float) as frequency_30d,
        cast(history.frequency_90d as float) as frequency_90d,
        cast(history.frequency_365d as float) as frequency_365d,
        -- what goes with it
        cast(related.co_bought as float) as co_bought,
        cast(related.co_bought_unweighted as float) as co_bought_unweighted,
        cast(related.co_bought_recently as float) as co_bought_recently,
        cast(related.with_product_share as float) as with_product_share,
        related.with_product_id,
        cast(category_shares.category_share as float) as category_share,
        cast(category_shares.days_since_category as float) as days_since_category,
        cast(coalesce(neighbours.neighbour_share, 0) as float) as neighbour_share,
        cast(neighbours.neighbours_who_bought as float) as neighbours_who_bought,
        cast(neighbours.neighbours as float) as neighbours_asked,
        -- what the customer looked at
        {%- for column in ['days_since_viewed', 'views_7d', 'views_90d', 'carts_7d', 'carts_90d'] %}
        {%- set value = 'events.' ~ column if loop.first else 'coalesce(events.' ~ column ~ ', 0)' %}
        cast({{ value if has_events else 'null' }} as float) as {{ column }},
        {%- endfor %}
        -- how the product sells
        cast(products.buyer_share_7d as float) as buyer_share_7d,
        cast(products.buyer_share_28d as float) as buyer_share_28d,
        cast(products.buyer_share_previous_28d as float) as buyer_share_previous_28d,
        cast(products.buyer_share_90d as float) as buyer_share_90d,
        cast(products.buyer_share as float) as buyer_share,
        cast(case customers.segment
            when 'one order' then products.buyer_share_1
            when 'two to four orders' then products.buyer_share_2
            when 'five or more orders' then products.buyer_share_3
        end as float) as segment_share_28d,
        cast(products.product_trend as float) as product_trend,
        cast(products.product_season_trend as float) as product_season_trend,
        cast(products.buyer_share_season as float) as buyer_share_season,
        cast(products.product_rebuy_share_28d as float) as product_rebuy_share_28d,
        cast(products.product_rebuy_share as float) as product_rebuy_share,
        cast(products.product_gap_days as float) as product_gap_days,
        cast(products.product_price as float) as product_price,
        cast(
            products.product_price_28d / cast(nullif(products.product_price, 0) as double) as float
        ) as product_price_trend,
        cast(products.product_age_days as float) as product_age_days,
    from candidates
    inner join customers
        on customers.customer_id = candidates.customer_id
        and customers.as_of = candidates.as_of
    left join history
        on history.customer_id = candidates.customer_id
        and history.as_of = candidates.as_of
        and history.product_id = candidates.product_id
    left join products
        on products.as_of = candidates.as_of
        and products.product_id = candidates.product_id
    left join related
        on related.customer_id = candidates.customer_id
        and related.as_of = candidates.as_of
        and related.product_id = candidates.product_id
    left join neighbours
        on neighbours.customer_id = candidates.customer_id
        and neighbours.as_of = candidates.as_of
        and neighbours.product_id = candidates.product_id
    left join category_shares
        on category_shares.customer_id = candidates.customer_id
        and category_shares.as_of = candidates.as_of
        and category_shares.category = products.category
    {%- if has_events %}
    left join events
        on events.customer_id = candidates.customer_id
        and events.as_of = candidates.as_of
        and events.product_id = candidates.product_id
    {%- endif %}

)

select * from final
