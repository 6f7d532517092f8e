-- Who may be contacted on which channel, and why others may not.
select
    channel,
    coalesce(dropped_because, 'may be contacted') as outcome,
    count(*) as customers
from contact_policy
group by channel, coalesce(dropped_because, 'may be contacted')
order by channel asc nulls last, customers desc nulls last, outcome asc nulls last
