{{ config(enabled=holdfast.has_system('recommendations')) }}
-- who bought what, when, and from when on it was known: a row per product in an order
with

lines as (

    select
        orders.customer_id,
        orders.order_id,
        orders.ordered_at,
        items.product_id,
        greatest(orders.ordered_at, orders.loaded_at, items.loaded_at) as known_at,
        items.quantity,
        items.unit_price,
    from {{ ref('holdfast', 'stg_holdfast__order_items') }} as items
    inner join {{ ref('holdfast', 'stg_holdfast__orders') }} as orders on orders.order_id = items.order_id
    where
        items.quantity > 0
        and items.product_id is not null
        and orders.customer_id is not null
        and orders.amount > 0

),

final as (

    select
        customer_id,
        order_id,
        ordered_at,
        product_id,
        min(known_at) as known_at,
        cast(sum(quantity) as double) as quantity,
        cast(max(unit_price) as double) as unit_price,
    from lines
    group by customer_id, order_id, ordered_at, product_id

)

select * from final
