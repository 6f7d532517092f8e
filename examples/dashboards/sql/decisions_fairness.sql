-- Groups of customers that are treated differently from all others.
select
    system,
    outcome,
    segment_by,
    segment,
    customers,
    rate,
    rest_rate,
    difference,
    difference_lower,
    difference_upper
from decision_rates
where difference_lower > 0 or difference_upper < 0
order by
    system asc nulls last, outcome asc nulls last, segment_by asc nulls last, segment asc nulls last
