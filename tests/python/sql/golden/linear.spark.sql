with _stage0 as (
    select
        `customer_id`,
        `as_of`,
        nullif(cast(`orders 30d` as float), cast('nan' as float)) as _x0,
        nullif(cast(`Umsatz` as float), cast('nan' as float)) as _x1
    from features
)

select
    `customer_id`,
    `as_of`,
    cast((5e-1 + 5e-1 * tanh(5e-1 * ((((cast(signum(case when _x0 is null then cast(0e0 as float) else _x0 end) as float) * cast(ln((cast(abs(case when _x0 is null then cast(0e0 as float) else _x0 end) as float) + cast(1e0 as float))) as float)) * cast(5e-1 as float)) + ((cast(signum(case when _x1 is null then cast(0e0 as float) else _x1 end) as float) * cast(ln((cast(abs(case when _x1 is null then cast(0e0 as float) else _x1 end) as float) + cast(1e0 as float))) as float)) * cast(-1.25e0 as float))) + cast(-2.5e-1 as float)))) as float) as `churn_probability`
from _stage0
