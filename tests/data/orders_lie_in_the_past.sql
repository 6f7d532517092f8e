-- one order dated in the future would move the as-of date there and make every customer look lost
select
    order_id,
    ordered_at,
from {{ ref('holdfast', 'stg_holdfast__orders') }}
where ordered_at > {{ holdfast.as_utc(dbt.current_timestamp()) }}
