-- no expected day lies in the past, nor outside its own interval
select
    customer_id,
    as_of_date,
    earliest_at,
    expected_next_order_at,
    latest_at,
from {{ ref('holdfast', 'holdfast__next_purchase') }}
where
    earliest_at < as_of_date
    or earliest_at > expected_next_order_at
    or expected_next_order_at > latest_at
