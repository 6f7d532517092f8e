-- Whether the customers of each channel have paid what they cost, over the months whose history is complete.
-- Where no cost of goods is known, the margin is the revenue.
select
    channel,
    sum(acquired_customers) as acquired_customers,
    sum(spend) as spend,
    sum(cohort_margin) as margin,
    sum(cohort_margin) / nullif(sum(spend), 0) as margin_to_cost,
    sum(case when status = 'not_yet' then 1 else 0 end) as months_not_paid_back
from acquisition_payback
where is_complete and status in ('paid_back', 'not_yet')
group by channel
order by margin_to_cost asc nulls last, channel asc nulls last
