{{ config(materialized='table', enabled=holdfast.has_system('recommendations')) }}
-- which products the same customers buy: for each product its nearest, at each date
{# customers to learn it from, and the latest products of each: so that a wholesaler makes no millions of pairs -#}
{% set customers, most, days, nearest, damping = 20000, 60, 365, 30, 5 -%}
with

dates as (

    select distinct as_of
    from {{ ref('holdfast', 'holdfast__recommendation_customers') }}

),

customers as (

    {{ holdfast.reference_customers(customers) | indent(4) }}

),

bought as (

    select
        dates.as_of,
        purchases.customer_id,
        purchases.product_id,
        max(purchases.ordered_at) as last_at,
        count(*) as times,
    from {{ ref('holdfast', 'holdfast__recommendation_purchases') }} as purchases
    inner join customers on customers.customer_id = purchases.customer_id
    inner join dates
        on purchases.known_at < dates.as_of
        and purchases.ordered_at >= dates.as_of - interval {{ days }} day
    group by dates.as_of, purchases.customer_id, purchases.product_id

),

latest as (

    select
        *,
        row_number() over (
            partition by as_of, customer_id
            order by last_at desc nulls last, times desc nulls last, product_id asc nulls last
        ) as place,
    from bought

),

-- numbers in place of ids keep the pairs small
products as (

    select
        as_of,
        product_id,
        count(*) as buyers,
        row_number() over (order by as_of asc nulls last, product_id asc nulls last) as product,
    from latest
    where place <= {{ most }}
    group by as_of, product_id

),

kept as (

    select
        dense_rank() over (order by latest.as_of asc nulls last, latest.customer_id asc nulls last) as customer,
        products.product,
    from latest
    inner join products
        on products.as_of = latest.as_of
        and products.product_id = latest.product_id
    where
        latest.place <= {{ most }}
        and products.buyers >= 3

),

pairs as (

    select
        a.product,
        b.product as with_product,
        count(*) as customers,
    from kept as a
    inner join kept as b
        on b.customer = a.customer
        and b.product > a.product
    group by a.product, b.product
    having count(*) >= 3

),

both_ways as (

    select
        product,
        with_product,
        customers,
    from pairs

    union all

    select
        with_product as product,
        product as with_product,
        customers,
    from pairs

),

-- cosine, damped where few customers tell
measured as (

    select
        of_product.as_of,
        of_product.product_id,
        of_with.product_id as with_product_id,
        both_ways.customers / cast(sqrt(cast(of_product.buyers * of_with.buyers as double)) as double)
        * both_ways.customers / cast(both_ways.customers + {{ damping }} as double) as similarity,
        both_ways.customers / cast(of_product.buyers + {{ damping }} as double) as share,
    from both_ways
    inner join products as of_product on of_product.product = both_ways.product
    inner join products as of_with on of_with.product = both_ways.with_product

),

ranked as (

    select
        *,
        row_number() over (
            partition by as_of, product_id
            order by similarity desc nulls last, with_product_id asc nulls last
        ) as place,
    from measured

),

final as (

    select
        as_of,
        product_id,
        with_product_id,
        similarity,
        share,
    from ranked
    where place <= {{ nearest }}

)

select * from final
