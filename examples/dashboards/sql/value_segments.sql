-- What each segment is expected to spend in the next 365 days. The margin is unknown where costs are.
select
    retention.segment,
    count(*) as customers,
    sum(worth.expected_spend_365d) as expected_spend_365d,
    sum(worth.expected_margin_365d) as expected_margin_365d,
    avg(worth.total_value) as mean_total_value
from customer_value as worth
inner join customer_retention as retention on worth.customer_id = retention.customer_id
group by retention.segment
order by expected_spend_365d desc nulls last, retention.segment asc nulls last
