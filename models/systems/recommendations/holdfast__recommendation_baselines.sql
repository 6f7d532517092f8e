{{ config(materialized='table', enabled=holdfast.has_system('recommendations')) }}
-- simple lists of products at the dates that recommendations are judged at: what they must beat
{% set horizon_days = holdfast.task('recommendation').horizon_days -%}
{#- what products have in common is learned from so many customers, of whom the latest products count -#}
{% set most_learners = 50000 -%}
{% set latest_products = 40 -%}
{% set popular_products = 200 -%}
{% set length = 10 -%}
with

judged as (

    select distinct
        as_of,
        customer_id,
    from {{ ref('holdfast', 'holdfast__recommendation_later_purchases') }}

),

dates as (

    select distinct as_of
    from judged

),

history as (

    select
        dates.as_of,
        purchases.customer_id,
        purchases.order_id,
        purchases.ordered_at,
        purchases.product_id,
    from {{ ref('holdfast', 'holdfast__recommendation_purchases') }} as purchases
    inner join dates on purchases.known_at < dates.as_of

),

popularity as (

    select
        as_of,
        product_id,
        count(distinct customer_id) filter (where ordered_at >= as_of - interval {{ horizon_days }} day) as customers,
    from history
    group by as_of, product_id

),

popular as (

    select
        *,
        row_number() over (
            partition by as_of
            order by customers desc nulls last, product_id asc nulls last
        ) as position,
    from popularity
    where customers > 0

),

owned as (

    select
        history.as_of,
        history.customer_id,
        history.product_id,
        count(distinct history.order_id) filter (where history.ordered_at >= history.as_of - interval 365 day)
            as orders,
    from history
    inner join judged
        on judged.as_of = history.as_of
        and judged.customer_id = history.customer_id
    group by history.as_of, history.customer_id, history.product_id

),

by_popularity as (

    select
        judged.as_of,
        judged.customer_id,
        popular.product_id,
        popular.customers as score,
        owned.product_id is not null as is_owned,
    from judged
    inner join popular on popular.as_of = judged.as_of
    left join owned
        on owned.as_of = judged.as_of
        and owned.customer_id = judged.customer_id
        and owned.product_id = popular.product_id
    where popular.position <= {{ popular_products }}

),

-- the customer's own products by the number of orders in a year, then what is popular
by_frequency as (

    select
        owned.as_of,
        owned.customer_id,
        owned.product_id,
        true as is_owned,
        owned.orders,
        popularity.customers,
    from owned
    inner join popularity
        on popularity.as_of = owned.as_of
        and popularity.product_id = owned.product_id

    union all

    select
        as_of,
        customer_id,
        product_id,
        false as is_owned,
        0 as orders,
        score as customers,
    from by_popularity
    where not is_owned

),

learners as (

    select
        as_of,
        customer_id,
        row_number() over (
            partition by as_of
            order by {{ holdfast.stable_number('customer_id') }} asc nulls last, customer_id asc nulls last
        ) as position,
    from (
        select distinct
            as_of,
            customer_id,
        from history
        where ordered_at >= as_of - interval 365 day
    ) as customers

),

latest as (

    select
        as_of,
        customer_id,
        product_id,
        row_number() over (
            partition by as_of, customer_id
            order by last_at desc nulls last, product_id asc nulls last
        ) as position,
    from (
        select
            as_of,
            customer_id,
            product_id,
            max(ordered_at) as last_at,
        from history
        where ordered_at >= as_of - interval 365 day
        group by as_of, customer_id, product_id
    ) as products

),

learned as (

    select
        latest.as_of,
        latest.customer_id,
        latest.product_id,
    from latest
    inner join learners
        on learners.as_of = latest.as_of
        and learners.customer_id = latest.customer_id
    where
        latest.position <= {{ latest_products }}
        and learners.position <= {{ most_learners }}

),

learned_products as (

    select
        as_of,
        product_id,
        count(*) as customers,
    from learned
    group by as_of, product_id
    having count(*) >= 3

),

pairs as (

    select
        a.as_of,
        a.product_id,
        b.product_id as with_product_id,
        count(*) as customers,
    from learned as a
    inner join learned as b
        on b.as_of = a.as_of
        and b.customer_id = a.customer_id
        and b.product_id <> a.product_id
    group by a.as_of, a.product_id, b.product_id
    having count(*) >= 3

),

-- the cosine, damped where few customers bought both
similarities as (

    select
        pairs.as_of,
        pairs.product_id,
        pairs.with_product_id,
        pairs.customers / cast(sqrt(of_product.customers * cast(of_with.customers as double)) as double)
        * pairs.customers / cast(pairs.customers + 5 as double) as similarity,
    from pairs
    inner join learned_products as of_product
        on of_product.as_of = pairs.as_of
        and of_product.product_id = pairs.product_id
    inner join learned_products as of_with
        on of_with.as_of = pairs.as_of
        and of_with.product_id = pairs.with_product_id

),

most_similar as (

    select
        *,
        row_number() over (
            partition by as_of, product_id
            order by similarity desc nulls last, with_product_id asc nulls last
        ) as position,
    from similarities

),

by_co_occurrence as (

    select
        latest.as_of,
        latest.customer_id,
        most_similar.with_product_id as product_id,
        sum(cast(most_similar.similarity as decimal(18, 12))) as score,
    from latest
    inner join judged
        on judged.as_of = latest.as_of
        and judged.customer_id = latest.customer_id
    inner join most_similar
        on most_similar.as_of = latest.as_of
        and most_similar.product_id = latest.product_id
    where
        latest.position <= {{ latest_products }}
        and most_similar.position <= 30
    group by latest.as_of, latest.customer_id, most_similar.with_product_id

),

scored as (

    select
        'popularity' as algorithm,
        as_of,
        customer_id,
        product_id,
        is_owned,
        score as first_key,
        0 as second_key,
    from by_popularity

    union all

    select
        'personal_frequency' as algorithm,
        as_of,
        customer_id,
        product_id,
        is_owned,
        orders as first_key,
        customers as second_key,
    from by_frequency

    union all

    select
        'co_occurrence' as algorithm,
        by_co_occurrence.as_of,
        by_co_occurrence.customer_id,
        by_co_occurrence.product_id,
        owned.product_id is not null as is_owned,
        by_co_occurrence.score as first_key,
        0 as second_key,
    from by_co_occurrence
    left join owned
        on owned.as_of = by_co_occurrence.as_of
        and owned.customer_id = by_co_occurrence.customer_id
        and owned.product_id = by_co_occurrence.product_id

),

listed as (

    select
        *,
        'top' as list,
    from scored

    union all

    select
        *,
        case when is_owned then 'repeat' else 'explore' end as list,
    from scored
    -- of what a customer never bought, personal frequency says nothing but popularity
    where is_owned or algorithm <> 'personal_frequency'

),

ranked as (

    select
        *,
        row_number() over (
            partition by algorithm, list, as_of, customer_id
            order by first_key desc nulls last, second_key desc nulls last, product_id asc nulls last
        ) as rank,
    from listed

),

final as (

    select
        algorithm,
        list,
        as_of,
        customer_id,
        product_id,
        cast(rank as integer) as rank,
    from ranked
    where rank <= {{ length }}

)

select * from final
