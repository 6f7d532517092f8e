-- Customers who can still be kept, by segment and risk band.
select
    segment,
    risk_band,
    customers,
    expected_churners,
    value_at_risk
from churn_overview
where scored_customers > 0
order by value_at_risk desc nulls last, segment asc nulls last, risk_band asc nulls last
