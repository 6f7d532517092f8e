-- What is at stake today, in one row.
select
    max(as_of_date) as as_of_date,
    sum(case when is_keepable then 1 else 0 end) as keepable_customers,
    sum(case when is_keepable and risk_band = 'high' then 1 else 0 end) as high_risk_customers,
    sum(case when is_keepable then churn_probability end) as expected_churners,
    sum(value_at_risk) as value_at_risk
from customer_retention
