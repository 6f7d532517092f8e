with _stage0 as (
    select
        `customer_id`,
        `as_of`,
        case when is_nan(cast(`f1` as float64)) then null when cast(`f1` as float64) >= 3.4028235677973366e38 then cast('inf' as float64) when cast(`f1` as float64) <= -3.4028235677973366e38 then cast('-inf' as float64) else cast(`f1` as float64) end as _x1
    from features
)

select
    `customer_id`,
    `as_of`,
    cast((5e-1 + 5e-1 * tanh(5e-1 * (1.0000000149011612e-1 + case when _x1 <= 1.6866136193275452e0 then -1.9999999552965164e-2 else case when (_x1 <= -8.029566705226898e-1 or _x1 is null) then -9.999999776482582e-3 else -2.9999999329447746e-2 end end + case when (_x1 <= 1.0000000528263981e30 or _x1 is null) then case when (_x1 <= -1.5709620118141177e0 or _x1 is null) then 9.999999776482582e-3 else 1.9999999552965164e-2 end else 2.9999999329447746e-2 end))) as float64) as `churn_probability`
from _stage0
