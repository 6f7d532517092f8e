select *
from {{ ref('orders') }}
where
    amount = 0
    or (amount < 0) != starts_with(order_id, 'C')
