-- How long customers stay: the share that is not lost after a number of days.
select
    days,
    survival,
    survival_lower,
    survival_upper
from retention_curves
where is_project_definition and segment_by = 'all'
order by days asc nulls last
