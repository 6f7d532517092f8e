select
    order_id,
    product_id,
    unit_price,
    count(*) as row_count,
from {{ ref('order_items') }}
group by
    order_id,
    product_id,
    unit_price
having count(*) > 1
