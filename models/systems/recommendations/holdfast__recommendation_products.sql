{{ config(materialized='table', enabled=holdfast.has_system('recommendations')) }}
-- how products sell and come back, at each date
with

dates as (

    select distinct as_of
    from {{ ref('holdfast', 'holdfast__recommendation_customers') }}

),

customers as (

    {{ holdfast.reference_customers() | indent(4) }}

),

purchases as (

    select
        dates.as_of,
        purchases.customer_id,
        purchases.order_id,
        purchases.product_id,
        purchases.unit_price,
        purchases.quantity,
        {{ holdfast.days_between('purchases.ordered_at', 'dates.as_of') }} as age,
    from {{ ref('holdfast', 'holdfast__recommendation_purchases') }} as purchases
    inner join customers on customers.customer_id = purchases.customer_id
    inner join dates on purchases.known_at < dates.as_of

),

orders as (

    select
        as_of,
        customer_id,
        count(distinct order_id) as orders,
        min(age) as days_since_order,
    from purchases
    group by as_of, customer_id

),

-- how many customers there are to buy a product
totals as (

    select
        as_of,
        count(*) filter (where days_since_order < 28) as buyers_28d,
        count(*) filter (where days_since_order < 28 and orders = 1) as buyers_1,
        count(*) filter (where days_since_order < 28 and orders between 2 and 4) as buyers_2,
        count(*) filter (where days_since_order < 28 and orders >= 5) as buyers_3,
        count(*) filter (where days_since_order < 365) as buyers_365d,
    from orders
    group by as_of

),

owned as (

    select
        as_of,
        customer_id,
        product_id,
        count(*) as times,
        min(age) as last_age,
        max(age) as first_age,
        count(*) filter (where age >= 28) > 0 and min(age) < 28 as is_rebought,
        max(case when age >= 28 and age < 56 then 1 else 0 end) as in_previous,
        max(case when age >= 337 and age < 365 then 1 else 0 end) as in_season,
        max(case when age >= 365 and age < 393 then 1 else 0 end) as before_season,
        sum(cast(least(quantity, 1000e0) as decimal(18, 4))) as units,
        sum(cast(unit_price as decimal(38, 4))) as prices,
        count(unit_price) as priced,
        sum(case when age < 28 then cast(unit_price as decimal(38, 4)) end) as prices_28d,
        count(case when age < 28 then unit_price end) as priced_28d,
    from purchases
    group by as_of, customer_id, product_id

),

products as (

    select
        owned.as_of,
        owned.product_id,
        count(*) as buyers,
        count(*) filter (where owned.last_age < 7) as buyers_7d,
        count(*) filter (where owned.last_age < 28) as buyers_28d,
        count(*) filter (where owned.last_age < 28 and orders.orders = 1) as buyers_1,
        count(*) filter (where owned.last_age < 28 and orders.orders between 2 and 4) as buyers_2,
        count(*) filter (where owned.last_age < 28 and orders.orders >= 5) as buyers_3,
        sum(owned.in_previous) as buyers_previous,
        count(*) filter (where owned.last_age < 90) as buyers_90d,
        count(*) filter (where owned.last_age < 365) as buyers_365d,
        sum(owned.in_season) as buyers_season,
        sum(owned.before_season) as buyers_before_season,
        count(*) filter (where owned.first_age >= 28) as earlier_buyers,
        count(*) filter (where owned.is_rebought) as rebuyers_28d,
        count(*) filter (where owned.times > 1) as rebuyers,
        sum(owned.first_age - owned.last_age) as gap_days,
        sum(owned.times - 1) as gaps,
        max(owned.first_age) as age_days,
        cast(sum(owned.units) as double) as units,
        sum(owned.times) as times,
        cast(sum(owned.prices) as double) as prices,
        sum(owned.priced) as priced,
        cast(sum(owned.prices_28d) as double) as prices_28d,
        sum(owned.priced_28d) as priced_28d,
    from owned
    inner join orders
        on orders.as_of = owned.as_of
        and orders.customer_id = owned.customer_id
    group by owned.as_of, owned.product_id

),

-- rules hold from now on, and not when it is learned from earlier dates
allowed as (

    select
        products.product_id,
        coalesce(described.is_available, true)
        and not {{ holdfast.is_excluded('products.product_id', 'described.category') }} as is_offered,
    from (select distinct product_id from products) as products
    left join {{ ref('holdfast', 'stg_holdfast__products') }} as described on described.product_id = products.product_id

),

offered as (

    select
        products.*,
        products.as_of < {{ holdfast.scoring_as_of() }} or coalesce(allowed.is_offered, true) as is_offered,
    from products
    left join allowed on allowed.product_id = products.product_id

),

final as (

    select
        products.as_of,
        products.product_id,
        products.is_offered,
        products.buyers_7d / cast(nullif(totals.buyers_28d, 0) as double) as buyer_share_7d,
        products.buyers_28d / cast(nullif(totals.buyers_28d, 0) as double) as buyer_share_28d,
        products.buyers_previous / cast(nullif(totals.buyers_28d, 0) as double) as buyer_share_previous_28d,
        products.buyers_90d / cast(nullif(totals.buyers_28d, 0) as double) as buyer_share_90d,
        products.buyers / cast(nullif(totals.buyers_365d, 0) as double) as buyer_share,
        products.buyers_1 / cast(nullif(totals.buyers_1, 0) as double) as buyer_share_1,
        products.buyers_2 / cast(nullif(totals.buyers_2, 0) as double) as buyer_share_2,
        products.buyers_3 / cast(nullif(totals.buyers_3, 0) as double) as buyer_share_3,
        products.buyers_28d / cast(nullif(products.buyers_90d, 0) as double) as product_trend,
        products.buyers_season / cast(nullif(products.buyers_before_season, 0) as double) as product_season_trend,
        products.buyers_season / cast(nullif(totals.buyers_28d, 0) as double) as buyer_share_season,
        products.rebuyers_28d / cast(products.earlier_buyers + 10 as double) as product_rebuy_share_28d,
        products.rebuyers / cast(products.buyers as double) as product_rebuy_share,
        products.gap_days / cast(nullif(products.gaps, 0) as double) as product_gap_days,
        products.prices / cast(nullif(products.priced, 0) as double) as product_price,
        products.prices_28d / cast(nullif(products.priced_28d, 0) as double) as product_price_28d,
        products.units / cast(products.times as double) as product_units,
        products.age_days as product_age_days,
        row_number() over (
            partition by products.as_of
            order by
                products.is_offered desc nulls last,
                products.buyers_28d desc nulls last,
                products.buyers_90d desc nulls last,
                products.buyers desc nulls last,
                products.product_id asc nulls last
        ) as popularity_rank,
        products.buyers,
    from offered as products
    inner join totals on totals.as_of = products.as_of

)

select * from final
