-- All decisions by system and status. Those that leave a customer alone are counted apart.
select
    system,
    status,
    case when action = 'leave_alone' then 'leave alone' else 'contact' end as kind,
    count(*) as decisions,
    sum(expected_profit) as expected_profit
from decisions
group by system, status, case when action = 'leave_alone' then 'leave alone' else 'contact' end
order by system asc nulls last, status asc nulls last, kind asc nulls last
