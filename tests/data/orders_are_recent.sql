{{ config(severity='warn') }}
-- an as-of date far beyond the last order makes every customer look lost; most often a load has failed
select max(ordered_at) as last_order_at
from {{ ref('holdfast', 'stg_holdfast__orders') }}
having cast(max(ordered_at) as date) + {{ holdfast.setting('churn_horizon_days') }} < {{ holdfast.as_of_date() }}
