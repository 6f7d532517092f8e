-- Half a penny: the amount of an order is rounded to pence, a few prices have a tenth of one.
with

item_amounts as (

    select
        order_id,
        sum(quantity * unit_price) as item_amount,
    from {{ ref('order_items') }}
    group by order_id

)

select
    orders.order_id,
    orders.amount,
    item_amounts.item_amount,
from item_amounts
inner join {{ ref('orders') }} as orders
    on item_amounts.order_id = orders.order_id
where item_amounts.item_amount > orders.amount + 0.005
