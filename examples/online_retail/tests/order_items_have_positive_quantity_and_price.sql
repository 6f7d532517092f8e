select *
from {{ ref('order_items') }}
where
    quantity <= 0
    or unit_price <= 0
