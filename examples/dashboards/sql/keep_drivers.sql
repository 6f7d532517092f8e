-- What drives the risk, and how much of the value at risk is attributed to it.
select
    driver_label,
    sum(first_reason_customers) as customers,
    sum(attributed_value_at_risk) as attributed_value_at_risk
from churn_drivers
group by driver_label
order by attributed_value_at_risk desc nulls last, driver_label asc nulls last
