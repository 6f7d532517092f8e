-- What customers did after a ticket, compared with similar customers without one. No proof that the issue caused it.
select
    topic,
    outcome,
    status,
    matched,
    after_ticket,
    similar_customers,
    difference,
    difference_lower,
    difference_upper
from support_issue_effects
where status <> 'too_few'
order by outcome asc nulls last, difference desc nulls last, topic asc nulls last
