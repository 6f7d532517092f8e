{{ config(enabled=holdfast.has_system('recommendations')) }}
-- which products the same customers buy, more often than the number of products that each of them buys would make them
{% set days = 365 -%}
{#- of a customer with more products the latest count: one wholesaler would make millions of pairs -#}
{% set products_per_customer = 100 -%}
{#- customers are counted, in an order that has nothing to do with them, until this many pairs are reached -#}
{% set most_pairs = 60000000 -%}
{% set partners = 20 -%}
{% set least = holdfast.setting('least_group') -%}
{% set as_of = 'cast(' ~ holdfast.as_of_date() ~ ' as timestamp)' -%}
with

purchases as (

    {{ holdfast.product_purchases(as_of, days) | indent(4) }}

),

bought as (

    select
        customer_id,
        product_id,
        min(ordered_at) as first_at,
        max(ordered_at) as last_at,
    from purchases
    group by customer_id, product_id

),

latest as (

    select
        customer_id,
        product_id,
        first_at,
        row_number() over (
            partition by customer_id
            order by last_at desc nulls last, product_id asc nulls last
        ) as position,
    from bought

),

sized as (

    select
        customer_id,
        count(*) as products,
    from latest
    where position <= {{ products_per_customer }}
    group by customer_id

),

in_order as (

    select
        customer_id,
        products,
        row_number() over drawn as customer,
        sum(products * (products - 1)) over drawn as pairs_so_far,
        count(*) over () as customers,
    from sized
    window
        drawn as (
            order by {{ holdfast.stable_number('customer_id') }} asc nulls last, customer_id asc nulls last
            rows between unbounded preceding and current row
        )

),

counted as (

    select *
    from in_order
    where pairs_so_far <= {{ 2 * most_pairs }}

),

-- a hub may have bought all that others buy; numbers in place of ids keep the pairs small
products as (

    select
        latest.product_id,
        cast(row_number() over (order by latest.product_id asc nulls last) as integer) as product,
        count(*) as customers,
    from latest
    inner join counted on counted.customer_id = latest.customer_id
    where latest.position <= {{ products_per_customer }}
    group by latest.product_id

),

of_products as (

    select
        cast(sum(customers * customers) as double) as squared,
        -- nobody is expected to buy the most popular product more than once
        cast(floor(sum(customers) / cast(max(customers) as double)) as bigint) as most_products,
    from products

),

of_customers as (

    select
        count(*) as customers,
        count(*) / cast(max(counted.customers) as double) as counted_share,
        sum(least(counted.products, of_products.most_products)) as products,
        sum(
            least(counted.products, of_products.most_products)
            * (least(counted.products, of_products.most_products) - 1)
        ) as pairs,
    from counted
    cross join of_products

),

totals as (

    select
        of_customers.customers,
        of_customers.counted_share,
        -- times the buyers of both products: the number of customers who would have both by chance. The first is what
        -- it would be if each customer chose as many products at random, pairs that there are over those that could be
        -- drawn; the second if all customers were alike. A product that everyone buys goes with none by the second
        greatest(
            of_customers.pairs
            / cast(nullif(power(cast(of_customers.products as double), 2) - of_products.squared, 0e0) as double),
            1e0 / cast(of_customers.customers as double)
        ) as chance,
    from of_customers
    cross join of_products

),

kept as (

    select
        cast(counted.customer as integer) as customer,
        products.product,
        latest.first_at,
    from latest
    inner join counted on counted.customer_id = latest.customer_id
    inner join products on products.product_id = latest.product_id
    where
        latest.position <= {{ products_per_customer }}
        and products.customers >= {{ least }}

),

pairs as (

    select
        a.product,
        b.product as with_product,
        count(*) as customers,
        count(*) filter (where a.first_at < b.first_at) as with_later,
        count(*) filter (where a.first_at > b.first_at) as with_earlier,
    from kept as a
    inner join kept as b
        on b.customer = a.customer
        and b.product > a.product
    group by a.product, b.product
    having count(*) >= {{ least }}

),

directed as (

    select
        product,
        with_product,
        customers,
        with_later,
    from pairs

    union all

    select
        with_product as product,
        product as with_product,
        customers,
        with_earlier as with_later,
    from pairs

),

measured as (

    select
        directed.*,
        of_product.product_id,
        of_product.customers as product_customers,
        of_with.product_id as with_product_id,
        of_with.customers as with_product_customers,
        totals.customers as all_customers,
        totals.counted_share,
        directed.customers / cast(of_product.customers as double) as confidence,
        directed.customers * cast(totals.customers as double)
        / cast(cast(of_product.customers as double) * of_with.customers as double) as lift,
        directed.customers
        / cast(cast(of_with.customers as double) * of_product.customers * totals.chance as double) as adjusted_lift,
    from directed
    inner join products as of_product on of_product.product = directed.product
    inner join products as of_with on of_with.product = directed.with_product
    cross join totals

),

-- the logarithm of a lift is about normal; its variance follows from the four cells of the table by the delta method
bounded as (

    select
        *,
        1.959963984540054e0 * sqrt(greatest(
            1e0 / cast(customers as double) - 1e0 / cast(product_customers as double)
            - 1e0 / cast(with_product_customers as double) + (2e0 * lift - 1e0) / cast(all_customers as double),
            0e0
        )) as half_width,
    from measured

),

ranked as (

    select
        *,
        row_number() over (
            partition by product_id
            order by
                -- the share of buyers that chance does not explain, at the cautious end
                confidence * (1e0 - exp(half_width) / cast(adjusted_lift as double)) desc nulls last,
                customers desc nulls last,
                with_product_id asc nulls last
        ) as rank,
    from bounded
    where adjusted_lift * exp(-half_width) > 1e0

),

shown as (

    select *
    from ranked
    where rank <= {{ partners }}

),

shown_pairs as (

    select distinct
        least(product, with_product) as product,
        greatest(product, with_product) as with_product,
    from shown

),

order_lines as (

    select
        purchases.order_id,
        kept.product,
    from purchases
    inner join counted on counted.customer_id = purchases.customer_id
    inner join products on products.product_id = purchases.product_id
    inner join kept
        on kept.customer = counted.customer
        and kept.product = products.product

),

together as (

    select
        a.product,
        b.product as with_product,
        count(*) as orders,
    from order_lines as a
    inner join order_lines as b
        on b.order_id = a.order_id
        and b.product > a.product
    inner join shown_pairs
        on shown_pairs.product = a.product
        and shown_pairs.with_product = b.product
    group by a.product, b.product

),

final as (

    select
        {{ holdfast.as_of_date() }} as as_of_date,
        shown.product_id,
        coalesce(of_product.product_name, cast(shown.product_id as varchar)) as product_name,
        of_product.category,
        shown.with_product_id,
        coalesce(of_with.product_name, cast(shown.with_product_id as varchar)) as with_product_name,
        of_with.category as with_category,
        of_product.category <> of_with.category as is_cross_category,
        cast(shown.rank as integer) as rank,
        cast(shown.customers as bigint) as customers,
        cast(shown.product_customers as bigint) as product_customers,
        cast(shown.with_product_customers as bigint) as with_product_customers,
        cast(coalesce(together.orders, 0) as bigint) as orders_with_both,
        shown.with_later / cast(shown.customers as double) as bought_later_share,
        shown.customers / cast(shown.all_customers as double) as support,
        shown.confidence,
        shown.lift,
        shown.adjusted_lift,
        shown.adjusted_lift * exp(-shown.half_width) as adjusted_lift_lower,
        shown.adjusted_lift * exp(shown.half_width) as adjusted_lift_upper,
        shown.counted_share,
    from shown
    left join together
        on together.product = least(shown.product, shown.with_product)
        and together.with_product = greatest(shown.product, shown.with_product)
    left join {{ ref('holdfast', 'stg_holdfast__products') }} as of_product on of_product.product_id = shown.product_id
    left join {{ ref('holdfast', 'stg_holdfast__products') }} as of_with on of_with.product_id = shown.with_product_id

)

select * from final
