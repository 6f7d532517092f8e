-- the lowest price of 30 days, against which a reduction has to be announced (Directive 98/6/EC, Article 6a)
{{ config(enabled=holdfast.has_system('pricing')) }}

{% set as_of = 'cast(' ~ holdfast.as_of_date() ~ ' as timestamp)' -%}
with

lines as (

    {{ holdfast.priced_lines() | indent(4) }}

),

days as (

    select
        product_id,
        date_trunc('day', ordered_at) as day,
        min(unit_price) as price,
    from lines
    group by product_id, date_trunc('day', ordered_at)

),

steps as (

    select
        *,
        lag(price) over (partition by product_id order by day asc nulls last) as former_price,
        -- a price holds until the next day with a sale
        coalesce(lead(day) over (partition by product_id order by day asc nulls last), {{ as_of }}) as ended_at,
        row_number() over (partition by product_id order by day desc nulls last) as recency,
    from days

),

current_prices as (

    select
        product_id,
        max(case when recency = 1 then price end) as current_price,
        max(day) as last_sold_at,
        max(case when former_price is null or former_price != price then day end) as current_since,
        count(case when former_price != price then 1 end) as price_changes,
    from steps
    group by product_id

),

windows as (

    select
        currents.product_id,
        count(case when steps.day >= {{ as_of }} - interval 30 day then 1 end) as days_sold,
        min(case when steps.ended_at > {{ as_of }} - interval 30 day then steps.price end) as lowest_price_30d,
        -- the 30 days before the price became what it is: what an announcement of it has to name
        min(case
            when
                steps.day < currents.current_since and steps.ended_at > currents.current_since - interval 30 day
                then steps.price
        end) as prior_price,
    from current_prices as currents
    inner join steps on steps.product_id = currents.product_id
    group by currents.product_id

),

known as (

    select product_id
    from {{ ref('holdfast', 'stg_holdfast__products') }}
    where product_id is not null

    union

    select product_id
    from {{ ref('holdfast', 'stg_holdfast__order_items') }}
    where product_id is not null

),

final as (

    select
        known.product_id,
        {{ holdfast.as_of_date() }} as as_of_date,
        case
            when currents.product_id is null then 'no_price'
            when windows.days_sold = 0 then 'no_sale_in_30_days'
            else 'known'
        end as status,
        cast(currents.current_price as decimal(18, 4)) as current_price,
        currents.current_since,
        currents.last_sold_at,
        cast(coalesce(currents.price_changes, 0) as bigint) as price_changes,
        cast(windows.lowest_price_30d as decimal(18, 4)) as lowest_price_30d,
        cast(windows.prior_price as decimal(18, 4)) as prior_price,
        coalesce(currents.current_price < windows.prior_price, false) as is_reduction,
    from known
    left join current_prices as currents on currents.product_id = known.product_id
    left join windows on windows.product_id = known.product_id

)

select * from final
