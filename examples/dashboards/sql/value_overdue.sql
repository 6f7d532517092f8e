-- Customers whose next order is overdue, the likeliest to be kept first.
select
    customer_id,
    overdue_days,
    p_alive,
    usual_gap_days,
    days_since_order,
    message
from next_purchase
where state = 'overdue'
order by p_alive desc nulls last, customer_id asc nulls last
limit 200
