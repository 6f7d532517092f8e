-- Approvals that decide nothing, and why.
select
    approval_number,
    problem,
    told,
    verdict,
    decided_by,
    decided_at
from approval_problems
order by approval_number asc nulls last
