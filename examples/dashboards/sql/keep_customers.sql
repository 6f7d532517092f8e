-- The 200 customers with the most value at risk, and why.
select
    customer_id,
    segment,
    risk_band,
    churn_probability,
    value_at_risk,
    reason_1,
    reason_2,
    suggested_action,
    last_order_at
from customer_retention
where is_keepable and value_at_risk is not null
order by value_at_risk desc nulls last, customer_id asc nulls last
limit 200
