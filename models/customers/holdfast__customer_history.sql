-- what each customer has bought until the as-of date
{% set as_of = 'cast(' ~ holdfast.as_of_date() ~ ' as timestamp)' -%}
with

orders as (

    select
        *,
        ordered_at >= {{ as_of }} - interval 90 day as is_of_last_90d,
        ordered_at >= {{ as_of }} - interval 365 day as is_of_last_365d,
        row_number() over (
            partition by customer_id, amount > 0 order by ordered_at asc nulls last, order_id asc nulls last
        ) as purchase_number,
    from {{ ref('holdfast', 'stg_holdfast__orders') }}
    where
        ordered_at < {{ as_of }}
        and customer_id is not null

),

final as (

    select
        customer_id,
        min(ordered_at) filter (where amount > 0) as first_order_at,
        min(ordered_at) filter (where amount > 0 and purchase_number = 2) as second_order_at,
        max(ordered_at) filter (where amount > 0) as last_order_at,
        cast(date_trunc('month', min(ordered_at) filter (where amount > 0)) as date) as cohort_month,
        max(amount) filter (where amount > 0 and purchase_number = 1) as first_order_amount,
        max(channel) filter (where amount > 0 and purchase_number = 1) as first_channel,
        count(*) filter (where amount > 0) as order_count,
        count(*) filter (where amount > 0 and is_of_last_90d) as order_count_90d,
        count(*) filter (where amount > 0 and is_of_last_365d) as order_count_365d,
        cast(sum(amount) as decimal(38, 4)) as revenue,
        cast(coalesce(sum(amount) filter (where is_of_last_90d), 0) as decimal(38, 4)) as revenue_90d,
        cast(coalesce(sum(amount) filter (where is_of_last_365d), 0) as decimal(38, 4)) as revenue_365d,
    from orders
    group by customer_id

)

select * from final
