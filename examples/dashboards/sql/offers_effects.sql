-- What each offer changes in margin and in revenue per customer, against customers held out at random, with its 95 % interval.
select
    offer_id,
    channel,
    outcome,
    treated_customers,
    control_customers,
    difference,
    difference_lower,
    difference_upper,
    status,
    finding
from offer_effects
where outcome in ('margin', 'revenue') and segment = 'all'
order by outcome asc nulls last, difference desc nulls last, offer_id asc nulls last, channel asc nulls last
