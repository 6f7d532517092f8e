-- What each campaign reached, cost and added, with its 95 % interval.
select
    campaign_id,
    last_sent_at,
    status,
    sends,
    control_sends,
    incremental_customers,
    cost,
    profit,
    profit_lower,
    profit_upper,
    finding
from campaign_performance
order by last_sent_at desc nulls last, campaign_id asc nulls last
