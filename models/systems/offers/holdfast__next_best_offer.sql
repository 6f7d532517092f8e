{{ config(enabled=holdfast.has_system('offers')) }}
-- a stand-in without rows, until the policy of offers is there
select
    customer_id,
    cast(null as timestamp) as as_of,
    {{ holdfast.as_of_date() }} as as_of_date,
    cast('offers' as varchar) as system,
    cast(null as varchar) as action,
    cast(null as varchar) as channel,
    cast(null as bigint) as offer_id,
    cast(null as varchar) as arm,
    cast(null as double) as propensity,
    cast(null as double) as expected_profit,
    cast(null as double) as expected_profit_lower,
    cast(null as double) as expected_profit_upper,
    cast(null as varchar) as model_id,
    cast(null as varchar) as policy_version,
    cast(null as varchar) as dropped_because,
    cast(null as varchar) as reason,
    cast(null as boolean) as needs_review,
    cast(null as timestamp) as due_at,
    cast(null as timestamp) as expires_at,
from {{ ref('holdfast', 'stg_holdfast__orders') }}
where 1 = 0
