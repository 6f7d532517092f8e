-- what was sold of each product in each week, and at which price: weeks without a sale count, too
{{ config(enabled=holdfast.has_system('pricing')) }}

{#- two years: every season twice -#}
{% set weeks = 104 -%}
{% set as_of = 'cast(' ~ holdfast.as_of_date() ~ ' as timestamp)' -%}
{#- a category with fewer products has too little to compare a product with -#}
{% set least_products = 3 -%}
{#- prices that differ by less are one price -#}
{% set same_price = '0.005e0' -%}
{% set availability = holdfast.as_known_at(
    ref('holdfast', 'stg_holdfast__product_availability'),
    holdfast.event_times()['stg_holdfast__product_availability'],
    as_of
) -%}
with

-- an order with a discount answers to the discount, not to the price on the shelf
lines as (

    select
        product_id,
        coalesce(channel, '') as channel,
        {{ weeks - 1 }}
        - cast(floor(({{ holdfast.days_between('ordered_at', as_of) }} - 1) / 7e0) as bigint) as week,
        quantity,
        unit_price,
    from (
        {{ holdfast.priced_lines(weeks * 7) | indent(8) }}
    ) as priced
    where not has_discount

),

sold_by_channel as (

    select
        product_id,
        channel,
        week,
        sum(cast(quantity as decimal(38, 6))) as quantity,
        sum(unit_price) as prices,
        count(*) as line_count,
    from lines
    where week between 0 and {{ weeks - 1 }}
    group by product_id, channel, week

),

-- channels are units of their own where they have prices of their own
channel_prices as (

    select coalesce(avg(case when highest > lowest * 1.005e0 then 1e0 else 0e0 end) > 0.05e0, false) as are_own
    from (
        select
            product_id,
            week,
            min(cast(prices as double) / cast(line_count as double)) as lowest,
            max(cast(prices as double) / cast(line_count as double)) as highest,
        from sold_by_channel
        group by product_id, week
        having count(*) > 1
    ) as compared

),

sold as (

    select
        sales.product_id,
        case when channel_prices.are_own then sales.channel else '' end as channel,
        sales.week,
        cast(sum(sales.quantity) as double) as quantity,
        ln(cast(sum(sales.prices) as double) / cast(sum(sales.line_count) as double)) as log_price,
    from sold_by_channel as sales
    cross join channel_prices
    group by sales.product_id, case when channel_prices.are_own then sales.channel else '' end, sales.week

),

units as (

    select
        product_id,
        channel,
        min(week) as first_week,
        max(week) as last_week,
    from sold
    group by product_id, channel

),

calendar as (

    select {{ holdfast.whole_numbers(weeks - 1) }} as week

),

grid as (

    select
        units.product_id,
        units.channel,
        calendar.week,
        sold.quantity,
        sold.log_price,
        count(sold.log_price) over (
            partition by units.product_id, units.channel
            order by calendar.week asc nulls last
        ) as sales_before,
    from units
    inner join calendar on calendar.week between units.first_week and units.last_week
    left join sold
        on sold.product_id = units.product_id
        and sold.channel = units.channel
        and sold.week = calendar.week

),

-- a group is a week with a sale and the weeks without one after it
before as (

    select
        *,
        max(log_price) over (partition by product_id, channel, sales_before) as price_before,
    from grid

),

prices as (

    select
        before.*,
        next_sold.log_price as price_after,
    from before
    left join before as next_sold
        on next_sold.product_id = before.product_id
        and next_sold.channel = before.channel
        and next_sold.sales_before = before.sales_before + 1
        and next_sold.log_price is not null

),

changes as (

    select
        product_id,
        changed_at,
        min(case when is_available then 1 else 0 end) = 1 as is_available,
    from {{ availability }} as availability
    where product_id is not null
    group by product_id, changed_at

),

states as (

    select
        product_id,
        is_available,
        changed_at,
        coalesce(
            lead(changed_at) over (partition by product_id order by changed_at asc nulls last), {{ as_of }}
        ) as ended_at,
    from changes

),

out_of_stock as (

    select distinct
        states.product_id,
        calendar.week,
    from states
    inner join calendar
        on states.changed_at < {{ as_of }} - ({{ weeks - 1 }} - calendar.week) * interval 7 day
        and states.ended_at > {{ as_of }} - ({{ weeks }} - calendar.week) * interval 7 day
    where not states.is_available

),

kept as (

    select
        prices.product_id,
        prices.channel,
        prices.week,
        coalesce(prices.quantity, 0e0) as sales,
        coalesce(prices.log_price, prices.price_before) as log_price,
        products.category,
    from prices
    left join out_of_stock
        on out_of_stock.product_id = prices.product_id
        and out_of_stock.week = prices.week
    left join {{ ref('holdfast', 'stg_holdfast__products') }} as products on products.product_id = prices.product_id
    where
        out_of_stock.product_id is null
        -- without a sale the price is known only if it was the same before and after
        and (prices.log_price is not null or abs(prices.price_after - prices.price_before) < {{ same_price }})

),

sizes as (

    select
        category,
        count(distinct product_id) as products,
    from kept
    group by category

),

final as (

    select
        kept.product_id,
        case when sizes.products >= {{ least_products }} then kept.category else '*' end as category,
        cast(kept.product_id as varchar) || '|' || kept.channel as unit,
        case when sizes.products >= {{ least_products }} then kept.category else '*' end
        || '|' || cast(kept.week as varchar) as time_key,
        cast(kept.week as bigint) as week,
        kept.sales,
        kept.log_price,
    from kept
    left join sizes on sizes.category = kept.category

)

select * from final
