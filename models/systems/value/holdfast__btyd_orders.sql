-- the days on which customers ordered: what the models of orders and of their value are fitted on
with

orders as (

    select
        customer_id,
        cast(ordered_at as date) as order_date,
        amount,
        greatest(ordered_at, coalesce(loaded_at, ordered_at)) as known_at,
    from {{ ref('holdfast', 'stg_holdfast__orders') }}
    where
        amount > 0
        and customer_id is not null
        and ordered_at < {{ holdfast.scoring_as_of() }}

),

final as (

    select
        customer_id,
        order_date,
        count(*) as order_count,
        cast(sum(amount) as decimal(38, 4)) as spend,
        max(known_at) as known_at,
    from orders
    group by customer_id, order_date

)

select * from final
