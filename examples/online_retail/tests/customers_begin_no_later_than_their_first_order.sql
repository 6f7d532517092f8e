select orders.*
from {{ ref('orders') }} as orders
inner join {{ ref('customers') }} as customers
    on orders.customer_id = customers.customer_id
where orders.ordered_at < customers.created_at
