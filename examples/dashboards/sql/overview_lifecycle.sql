-- How many customers are in which state, and for how long.
select
    state_label,
    customers,
    is_keepable,
    median_days_in_state
from lifecycle_overview
where is_project_definition
order by position asc nulls last
