-- Which share of the next send each variant of a live campaign should get.
select
    campaign_id,
    segment,
    variant,
    offer_id,
    channel,
    status,
    mature_sends,
    response_rate,
    probability_best,
    share
from campaign_allocation
where status <> 'ended'
order by campaign_id asc nulls last, segment asc nulls last, share desc nulls last, variant asc nulls last
