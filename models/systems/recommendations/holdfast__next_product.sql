{{ config(enabled=holdfast.has_system('recommendations')) }}
-- which products customers try in the order after one from a category, more often than after any other order
{% set days = 365 -%}
{% set next_within_days = 90 -%}
{#- of an order with more products that many count, drawn by their ids: one order must not make millions of pairs -#}
{% set products_per_day = 100 -%}
{% set listed = 20 -%}
{% set least = holdfast.setting('least_group') -%}
{% set as_of = 'cast(' ~ holdfast.as_of_date() ~ ' as timestamp)' -%}
with

purchases as (

    {{ holdfast.product_purchases(as_of, days) | indent(4) }}

),

-- orders of one day are one order: shops split what was bought at once
bought as (

    select distinct
        customer_id,
        cast(ordered_at as date) as day,
        product_id,
    from purchases

),

numbered as (

    select
        *,
        row_number() over (
            partition by customer_id, day
            order by {{ holdfast.stable_number('product_id') }} asc nulls last, product_id asc nulls last
        ) as position,
    from bought

),

lines as (

    select
        customer_id,
        day,
        product_id,
    from numbered
    where position <= {{ products_per_day }}

),

shopping_days as (

    select distinct
        customer_id,
        day,
    from lines

),

followed as (

    select
        *,
        lead(day) over (
            partition by customer_id
            order by day asc nulls last
        ) as next_day,
    from shopping_days

),

steps as (

    select
        customer_id,
        day,
        next_day,
        {{ holdfast.days_between('day', 'next_day') }} as days,
    from followed
    where {{ holdfast.days_between('day', 'next_day') }} <= {{ next_within_days }}

),

-- a product without a category speaks for itself
sources as (

    select distinct
        lines.customer_id,
        lines.day,
        products.category,
        case when products.category is null then lines.product_id end as product_id,
    from lines
    left join {{ ref('holdfast', 'stg_holdfast__products') }} as products on products.product_id = lines.product_id

),

sourced_steps as (

    select
        steps.*,
        sources.category,
        sources.product_id,
    from steps
    inner join sources
        on sources.customer_id = steps.customer_id
        and sources.day = steps.day

),

-- what a customer bought for the first time in the order at the end of a step: once for each customer and product
first_bought as (

    select
        customer_id,
        product_id,
        min(day) as next_day,
    from lines
    group by customer_id, product_id

),

tried as (

    select
        first_bought.customer_id,
        first_bought.next_day,
        first_bought.product_id as next_product_id,
        products.category as next_category,
    from first_bought
    inner join steps
        on steps.customer_id = first_bought.customer_id
        and steps.next_day = first_bought.next_day
    left join {{ ref('holdfast', 'stg_holdfast__products') }} as products
        on products.product_id = first_bought.product_id

),

all_tried as (

    select count(*) as tries,
    from tried

),

tried_by_product as (

    select
        next_product_id,
        count(*) as tries,
    from tried
    group by next_product_id

),

tried_by_category as (

    select
        next_category,
        count(*) as tries,
    from tried
    group by next_category

),

sourced_tries as (

    select
        sourced_steps.category,
        sourced_steps.product_id,
        tried.next_product_id,
        tried.next_category,
        sourced_steps.days,
    from sourced_steps
    inner join tried
        on tried.customer_id = sourced_steps.customer_id
        and tried.next_day = sourced_steps.next_day

),

source_sizes as (

    select
        category,
        product_id,
        count(distinct customer_id) as customers,
    from sourced_steps
    group by category, product_id

),

category_pairs as (

    select
        category,
        product_id,
        next_category,
        count(*) as tries,
    from sourced_tries
    group by category, product_id, next_category

),

source_tries as (

    select
        category,
        product_id,
        sum(tries) as tries,
    from category_pairs
    group by category, product_id

),

pairs as (

    select
        category,
        product_id,
        next_product_id,
        next_category,
        count(*) as customers,
        avg(days) as mean_days,
    from sourced_tries
    group by category, product_id, next_product_id, next_category
    having count(*) >= {{ least }}

),

measured as (

    select
        pairs.*,
        source_sizes.customers as source_customers,
        pairs.customers / cast(source_sizes.customers as double) as share,
        source_tries.tries as source_tries,
        tried_by_product.tries as product_tries,
        all_tried.tries as all_tries,
        pairs.customers * cast(all_tried.tries as double)
        / cast(cast(source_tries.tries as double) * tried_by_product.tries as double) as lift,
        category_pairs.tries / cast(source_tries.tries as double) as next_category_share,
        category_pairs.tries * cast(all_tried.tries as double)
        / cast(cast(source_tries.tries as double) * tried_by_category.tries as double) as next_category_lift,
    from pairs
    inner join source_sizes
        on source_sizes.category is not distinct from pairs.category
        and source_sizes.product_id is not distinct from pairs.product_id
    inner join source_tries
        on source_tries.category is not distinct from pairs.category
        and source_tries.product_id is not distinct from pairs.product_id
    inner join category_pairs
        on category_pairs.category is not distinct from pairs.category
        and category_pairs.product_id is not distinct from pairs.product_id
        and category_pairs.next_category is not distinct from pairs.next_category
    inner join tried_by_product on tried_by_product.next_product_id = pairs.next_product_id
    inner join tried_by_category on tried_by_category.next_category is not distinct from pairs.next_category
    cross join all_tried

),

-- as in product_affinity: the logarithm of a lift is about normal, its variance is that of the four cells
bounded as (

    select
        *,
        1.959963984540054e0 * sqrt(greatest(
            1e0 / cast(customers as double) - 1e0 / cast(source_tries as double)
            - 1e0 / cast(product_tries as double) + (2e0 * lift - 1e0) / cast(all_tries as double),
            0e0
        )) as half_width,
    from measured

),

ranked as (

    select
        *,
        row_number() over (
            partition by category, product_id
            order by
                share * (1e0 - exp(half_width) / cast(lift as double)) desc nulls last,
                customers desc nulls last,
                next_product_id asc nulls last
        ) as rank,
    from bounded
    where lift * exp(-half_width) > 1e0

),

final as (

    select
        {{ holdfast.as_of_date() }} as as_of_date,
        case when ranked.category is null then 'by_product' else 'by_category' end as status,
        ranked.category,
        ranked.product_id,
        case
            when ranked.product_id is not null
                then coalesce(of_product.product_name, cast(ranked.product_id as varchar))
        end as product_name,
        ranked.next_product_id,
        coalesce(of_next.product_name, cast(ranked.next_product_id as varchar)) as next_product_name,
        ranked.next_category,
        ranked.category <> ranked.next_category as is_cross_category,
        cast(ranked.rank as integer) as rank,
        cast(ranked.customers as bigint) as customers,
        cast(ranked.source_customers as bigint) as source_customers,
        ranked.share,
        ranked.lift,
        ranked.lift * exp(-ranked.half_width) as lift_lower,
        ranked.lift * exp(ranked.half_width) as lift_upper,
        ranked.mean_days,
        ranked.next_category_share,
        ranked.next_category_lift,
    from ranked
    left join {{ ref('holdfast', 'stg_holdfast__products') }} as of_product on of_product.product_id = ranked.product_id
    left join {{ ref('holdfast', 'stg_holdfast__products') }} as of_next on of_next.product_id = ranked.next_product_id
    where ranked.rank <= {{ listed }}

)

select * from final
