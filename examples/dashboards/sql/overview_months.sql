-- Months that are over, by the churn definition that the scores use.
select
    month,
    active_customers,
    new_customers,
    reactivated_customers,
    churned_customers,
    churn_rate,
    revenue
from retention_metrics
where is_project_definition and is_complete
order by month asc nulls last
