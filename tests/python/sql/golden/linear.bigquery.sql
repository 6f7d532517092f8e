with _stage0 as (
    select
        `customer_id`,
        `as_of`,
        case when is_nan(cast(`f0` as float64)) then null when cast(`f0` as float64) >= 3.4028235677973366e38 then cast('inf' as float64) when cast(`f0` as float64) <= -3.4028235677973366e38 then cast('-inf' as float64) else cast(`f0` as float64) end as _x0,
        case when is_nan(cast(`f1` as float64)) then null when cast(`f1` as float64) >= 3.4028235677973366e38 then cast('inf' as float64) when cast(`f1` as float64) <= -3.4028235677973366e38 then cast('-inf' as float64) else cast(`f1` as float64) end as _x1
    from features
)

select
    `customer_id`,
    `as_of`,
    cast((5e-1 + 5e-1 * tanh(5e-1 * ((((cast(sign(case when _x0 is null then 0e0 else _x0 end) as float64) * cast(ln((cast(abs(case when _x0 is null then 0e0 else _x0 end) as float64) + 1e0)) as float64)) * 5e-1) + ((cast(sign(case when _x1 is null then 0e0 else _x1 end) as float64) * cast(ln((cast(abs(case when _x1 is null then 0e0 else _x1 end) as float64) + 1e0)) as float64)) * -1.25e0)) + -2.5e-1))) as float64) as `churn_probability`
from _stage0
