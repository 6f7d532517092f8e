{{ config(materialized='table', enabled=holdfast.has_system('recommendations')) }}
-- what each customer bought so far, how often and how regularly
{# products of a customer that are candidates to be bought again; of one who is long silent fewer -#}
{% set most, most_of_silent = 40, 15 -%}
with

purchases as (

    select
        customers.customer_id,
        customers.as_of,
        customers.days_since_order,
        purchases.order_id,
        purchases.ordered_at,
        purchases.product_id,
        purchases.quantity,
        purchases.unit_price,
        {{ holdfast.days_between('purchases.ordered_at', 'customers.as_of') }} as age,
    from {{ ref('holdfast', 'holdfast__recommendation_customers') }} as customers
    inner join {{ ref('holdfast', 'holdfast__recommendation_purchases') }} as purchases
        on purchases.customer_id = customers.customer_id
        and purchases.known_at < customers.as_of

),

orders as (

    select
        customer_id,
        as_of,
        order_id,
        row_number() over (
            partition by customer_id, as_of
            order by max(ordered_at) desc nulls last, order_id desc nulls last
        ) as position,
        count(*) over (partition by customer_id, as_of) as orders,
    from purchases
    group by customer_id, as_of, order_id

),

weighed as (

    select
        *,
        cast({{ holdfast.personal_frequency('position', 'orders') }} as decimal(18, 12)) as weight,
    from orders

),

products as (

    select
        purchases.customer_id,
        purchases.as_of,
        purchases.product_id,
        purchases.days_since_order,
        weighed.orders,
        count(*) as times_bought,
        min(purchases.age) as days_since_bought,
        max(purchases.age) as days_since_first_bought,
        min(weighed.position) - 1 as orders_since_bought,
        max(weighed.position) as orders_since_first_bought,
        count(*) filter (where weighed.position <= 3) as bought_in_last_3_orders,
        count(*) filter (where purchases.age between 337 and 392) as bought_last_season,
        cast(sum(cast(purchases.quantity as decimal(38, 4))) as double) as units,
        cast(sum(cast(purchases.quantity * purchases.unit_price as decimal(38, 4))) as double) as spend,
        {{ holdfast.value_at_max('purchases.unit_price', '(purchases.ordered_at, purchases.order_id)') }} as last_price,
        cast(sum(weighed.weight) as double) as personal_frequency,
        cast(sum(cast(exp(-purchases.age / 30e0) as decimal(18, 12))) as double) as frequency_30d,
        cast(sum(cast(exp(-purchases.age / 90e0) as decimal(18, 12))) as double) as frequency_90d,
        cast(sum(cast(exp(-purchases.age / 365e0) as decimal(18, 12))) as double) as frequency_365d,
    from purchases
    inner join weighed
        on weighed.customer_id = purchases.customer_id
        and weighed.as_of = purchases.as_of
        and weighed.order_id = purchases.order_id
    group by
        purchases.customer_id,
        purchases.as_of,
        purchases.product_id,
        purchases.days_since_order,
        weighed.orders

),

ranked as (

    select
        *,
        count(*) over (partition by customer_id, as_of) as products_bought,
        row_number() over (
            partition by customer_id, as_of
            order by frequency_365d desc nulls last, days_since_bought asc nulls last, product_id asc nulls last
        ) as place,
        row_number() over (
            partition by customer_id, as_of
            order by days_since_bought asc nulls last, times_bought desc nulls last, product_id asc nulls last
        ) as recent_place,
    from products

),

final as (

    select
        customer_id,
        as_of,
        product_id,
        times_bought,
        days_since_bought,
        days_since_first_bought,
        (days_since_first_bought - days_since_bought) / cast(nullif(times_bought - 1, 0) as double) as usual_gap_days,
        orders_since_bought,
        times_bought / cast(orders_since_first_bought as double) as order_share,
        bought_in_last_3_orders,
        bought_last_season,
        units,
        spend,
        last_price,
        personal_frequency,
        frequency_30d,
        frequency_90d,
        frequency_365d,
        products_bought,
        place,
        recent_place,
        place <= case when days_since_order < 365 then {{ most }} else {{ most_of_silent }} end as is_candidate,
    from ranked

)

select * from final
