-- by how many percent the sales of a product change if its price rises by one percent, and how sure that is
{{ config(enabled=holdfast.has_system('pricing')) }}

with

sizes as (

    select
        product_id,
        category,
        sum(cast(sales as decimal(38, 6))) as units,
        count(distinct week) as weeks,
    from {{ ref('holdfast', 'holdfast__price_panel') }}
    group by product_id, category

),

shares as (

    select
        *,
        cast(units as double) / cast(nullif(sum(units) over (partition by category), 0) as double) as share,
    from sizes

),

joined as (

    select
        prices.product_id,
        prices.as_of_date,
        products.product_name,
        products.category,
        prices.price_changes,
        shares.units,
        shares.weeks,
        shares.share,
        slopes.price_spread,
        slopes.category_slope,
        slopes.category_standard_error,
        slopes.category_status,
        slopes.category_weight,
        slopes.own_slope,
        slopes.own_standard_error,
        slopes.own_weight,
        slopes.slope,
        slopes.standard_error,
        case
            when prices.price_changes = 0 then 'not_identified'
            else coalesce(slopes.status, 'not_identified')
        end as status,
        -- with the category's total as it is, a product that loses a share loses a bit less of its own sales
        1e0 - coalesce(shares.share, 0e0) as rest,
    from {{ ref('holdfast', 'holdfast__lowest_price_30d') }} as prices
    left join {{ ref('holdfast', 'stg_holdfast__products') }} as products on products.product_id = prices.product_id
    left join shares on shares.product_id = prices.product_id
    left join {{ ref('holdfast', 'holdfast__price_slopes') }} as slopes on slopes.product_id = prices.product_id

),

final as (

    select
        product_id,
        as_of_date,
        coalesce(product_name, cast(product_id as varchar)) as product_name,
        category,
        status,
        case
            when status = 'not_identified' then null
            when own_weight >= 0.5e0 then 'product'
            when category_weight >= 0.5e0 then 'category'
            else 'shop'
        end as level,
        case when status != 'not_identified' then round(slope * rest, 6) end as elasticity,
        case
            when status != 'not_identified' then round((slope - 1.96e0 * standard_error) * rest, 6)
        end as elasticity_lower,
        case
            when status != 'not_identified' then round((slope + 1.96e0 * standard_error) * rest, 6)
        end as elasticity_upper,
        case when status != 'not_identified' then slope end as share_elasticity,
        round(own_slope * rest, 6) as own_elasticity,
        round((own_slope - 1.96e0 * own_standard_error) * rest, 6) as own_lower,
        round((own_slope + 1.96e0 * own_standard_error) * rest, 6) as own_upper,
        own_weight,
        category_slope as category_elasticity,
        round(category_slope - 1.96e0 * category_standard_error, 6) as category_lower,
        round(category_slope + 1.96e0 * category_standard_error, 6) as category_upper,
        category_status,
        price_changes,
        price_spread,
        cast(coalesce(weeks, 0) as bigint) as week_count,
        cast(coalesce(units, 0) as double) as units,
        round(share, 6) as category_share,
        case
            when weeks is null then 'No priced sale without a discount in two years'
            when price_changes = 0 then 'The price never moved'
            when status = 'wrong_sign' then 'Sales rose with the price: something else moved both'
            when status = 'not_identified' and coalesce(price_spread, 0e0) < 0.005e0 then 'The price hardly moved'
            when status = 'not_identified' then 'The data do not tell the sign'
            when status = 'estimated'
                then 'From ' || cast(price_changes as varchar) || ' price changes of its own, shrunk to its category'
            else 'Mostly from its category: its own price changes tell too little'
        end as reason,
    from joined

)

select * from final
