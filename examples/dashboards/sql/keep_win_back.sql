-- The 200 lapsed customers who are most likely to come back.
select
    customer_id,
    segment,
    return_probability,
    revenue,
    last_order_at,
    days_since_order
from customer_retention
where return_probability is not null
order by return_probability desc nulls last, customer_id asc nulls last
limit 200
