{{ config(materialized='table', enabled=holdfast.has_system('recommendations')) }}
-- which customers, of a sample, bought most alike
{# of a fixed sample of `drawn` customers the first `most` that are active; of a customer the latest products count -#}
{% set drawn, most, products, nearest, most_buyers = 20000, 2000, 20, 15, 100 -%}
with

dates as (

    select distinct as_of
    from {{ ref('holdfast', 'holdfast__recommendation_customers') }}

),

sampled as (

    {{ holdfast.reference_customers(drawn) | indent(4) }}

),

bought as (

    select
        dates.as_of,
        purchases.customer_id,
        purchases.product_id,
        max(purchases.ordered_at) as last_at,
    from {{ ref('holdfast', 'holdfast__recommendation_purchases') }} as purchases
    inner join sampled on sampled.customer_id = purchases.customer_id
    inner join dates
        on purchases.known_at < dates.as_of
        and purchases.ordered_at >= dates.as_of - interval 365 day
    group by dates.as_of, purchases.customer_id, purchases.product_id

),

active as (

    select
        as_of,
        customer_id,
        row_number() over (
            partition by as_of
            order by {{ holdfast.stable_number('customer_id') }} asc nulls last, customer_id asc nulls last
        ) as place,
    from bought
    group by as_of, customer_id
    having
        max(last_at) >= as_of - interval 180 day
        and count(*) >= 3

),

reference as (

    select
        bought.as_of,
        bought.customer_id,
        bought.product_id,
        row_number() over (
            partition by bought.as_of, bought.customer_id
            order by bought.last_at desc nulls last, bought.product_id asc nulls last
        ) as place,
    from bought
    inner join active
        on active.as_of = bought.as_of
        and active.customer_id = bought.customer_id
    where active.place <= {{ most }}

),

asking as (

    select
        history.as_of,
        history.customer_id,
        history.product_id,
    from {{ ref('holdfast', 'holdfast__recommendation_history') }} as history
    inner join {{ ref('holdfast', 'holdfast__recommendation_customers') }} as customers
        on customers.customer_id = history.customer_id
        and customers.as_of = history.as_of
    where
        history.recent_place <= {{ products }}
        and customers.days_since_order < 365

),

final as (

    {{ holdfast.nearest_customers(
        'asking', '(select as_of, customer_id, product_id from reference where place <= ' ~ 3 * products ~ ')', k=nearest, most_buyers=most_buyers,
    ) | indent(4) }}

)

select * from final
