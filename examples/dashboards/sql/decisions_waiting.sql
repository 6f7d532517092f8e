-- Decisions that wait for a person, the most profitable first.
select
    decision_id,
    system,
    customer_id,
    coalesce(offer_name, action) as proposal,
    channel,
    expected_profit,
    reason,
    owner,
    due_at,
    expires_at
from decisions
where status = 'needs_review'
order by expected_profit desc nulls last, decision_id asc nulls last
limit 200
