-- What the policy proposes today, and why others are left alone.
select
    coalesce(offer_name, 'Leave alone') as offer,
    arm,
    coalesce(dropped_because, case when action = 'leave_alone' then 'drawn at random' else 'proposed' end) as outcome,
    count(*) as customers,
    sum(expected_profit) as expected_profit
from next_best_offer
group by
    coalesce(offer_name, 'Leave alone'),
    arm,
    coalesce(dropped_because, case when action = 'leave_alone' then 'drawn at random' else 'proposed' end)
order by customers desc nulls last, offer asc nulls last, arm asc nulls last, outcome asc nulls last
