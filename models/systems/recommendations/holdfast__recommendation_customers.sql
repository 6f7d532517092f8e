{{ config(materialized='table', enabled=holdfast.has_system('recommendations')) }}
-- whom to recommend something to: everybody at the as-of date; and from whom to learn how: samples at earlier dates
{% set horizon_days = holdfast.task('recommendation').horizon_days -%}
{#- dates to learn from, one horizon apart -#}
{% set dates = 10 -%}
{#- customers per date to learn from: their rows are 40 to 60 times as many -#}
{% set sample = 2000 -%}
{% set as_of = holdfast.scoring_as_of() -%}
with

dates as (

    select
        {{ as_of }} as as_of,
        0 as step,

    union all

    select
        {{ holdfast.plus_days(as_of, 'cast(steps.step * -' ~ horizon_days ~ ' as integer)') }} as as_of,
        steps.step,
    from range(1, {{ dates + 1 }}) as steps (step)

),

purchases as (

    select * from {{ ref('holdfast', 'holdfast__recommendation_purchases') }}

),

-- a model ranks for those who order, so it learns from those who did: others teach it who orders, not what
buyers as (

    select
        dates.as_of,
        purchases.customer_id,
        min(purchases.ordered_at) as next_order_at,
    from purchases
    inner join dates
        on purchases.ordered_at >= dates.as_of
        and purchases.ordered_at < dates.as_of + interval {{ horizon_days }} day
    where dates.step > 0
    group by dates.as_of, purchases.customer_id

),

sampled as (

    select
        as_of,
        customer_id,
        row_number() over (
            partition by as_of
            order by {{ holdfast.stable_number('customer_id') }} asc nulls last, customer_id asc nulls last
        ) as place,
    from buyers
    where customer_id in (
        select purchases.customer_id
        from purchases
        where purchases.known_at < buyers.as_of
    )

),

asked as (

    select
        customers.customer_id,
        dates.as_of,
        false as is_sampled,
    from ({{ holdfast.all_customers() }}) as customers
    cross join dates
    where dates.step = 0

    union all

    select
        customer_id,
        as_of,
        true as is_sampled,
    from sampled
    where place <= {{ sample }}

),

orders as (

    select
        customer_id,
        order_id,
        ordered_at,
        max(known_at) as known_at,
        count(*) as products,
        sum(cast(quantity as decimal(38, 4))) as units,
        sum(cast(quantity * unit_price as decimal(38, 4))) as spend,
    from purchases
    group by customer_id, order_id, ordered_at

),

ordered as (

    select
        asked.customer_id,
        asked.as_of,
        count(*) as orders_lifetime,
        min(orders.ordered_at) as first_order_at,
        max(orders.ordered_at) as last_order_at,
        sum(orders.products) as products,
        cast(sum(orders.units) as double) as units,
        cast(sum(orders.spend) as double) as spend,
    from asked
    inner join orders
        on orders.customer_id = asked.customer_id
        and orders.known_at < asked.as_of
    group by asked.customer_id, asked.as_of

),

final as (

    select
        asked.customer_id,
        asked.as_of,
        asked.is_sampled,
        coalesce(ordered.orders_lifetime, 0) as orders_lifetime,
        {{ holdfast.days_between('ordered.first_order_at', 'asked.as_of') }} as first_order_age_days,
        {{ holdfast.days_between('ordered.last_order_at', 'asked.as_of') }} as days_since_order,
        {{ holdfast.days_between('ordered.first_order_at', 'ordered.last_order_at') }}
        / cast(nullif(ordered.orders_lifetime - 1, 0) as double) as order_gap_days,
        ordered.products / cast(nullif(ordered.orders_lifetime, 0) as double) as products_per_order,
        ordered.units / cast(nullif(ordered.products, 0) as double) as units_per_product,
        ordered.spend / cast(nullif(ordered.orders_lifetime, 0) as double) as spend_per_order,
        -- what kind of customer this is, of which popularity is told apart
        case
            when ordered.orders_lifetime is null then 'no order yet'
            when ordered.orders_lifetime = 1 then 'one order'
            when ordered.orders_lifetime <= 4 then 'two to four orders'
            else 'five or more orders'
        end as segment,
    from asked
    left join ordered
        on ordered.customer_id = asked.customer_id
        and ordered.as_of = asked.as_of

)

select * from final
