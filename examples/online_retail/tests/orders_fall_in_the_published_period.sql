select *
from {{ ref('orders') }}
where
    ordered_at < timestamp '2009-12-01'
    or ordered_at >= timestamp '2011-12-10'
