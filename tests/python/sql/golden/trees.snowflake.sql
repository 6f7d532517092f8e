with _stage0 as (
    select
        "customer_id",
        "as_of",
        case when cast("f1" as float) = 'NaN'::float then null when cast("f1" as float) >= '3.4028235677973366e38'::float then cast('inf' as float) when cast("f1" as float) <= '-3.4028235677973366e38'::float then cast('-inf' as float) else cast("f1" as float) end as _x1
    from features
)

select
    "customer_id",
    "as_of",
    cast(('5e-1'::float + '5e-1'::float * tanh('5e-1'::float * ('1.0000000149011612e-1'::float + case when _x1 <= '1.6866136193275452e0'::float then '-1.9999999552965164e-2'::float else case when (_x1 <= '-8.029566705226898e-1'::float or _x1 is null) then '-9.999999776482582e-3'::float else '-2.9999999329447746e-2'::float end end + case when (_x1 <= '1.0000000528263981e30'::float or _x1 is null) then case when (_x1 <= '-1.5709620118141177e0'::float or _x1 is null) then '9.999999776482582e-3'::float else '1.9999999552965164e-2'::float end else '2.9999999329447746e-2'::float end))) as float) as "churn_probability"
from _stage0
