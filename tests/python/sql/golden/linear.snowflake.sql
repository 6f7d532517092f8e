with _stage0 as (
    select
        "customer_id",
        "as_of",
        case when cast("orders 30d" as float) = 'NaN'::float then null when cast("orders 30d" as float) >= '3.4028235677973366e38'::float then cast('inf' as float) when cast("orders 30d" as float) <= '-3.4028235677973366e38'::float then cast('-inf' as float) else cast("orders 30d" as float) end as _x0,
        case when cast("Umsatz" as float) = 'NaN'::float then null when cast("Umsatz" as float) >= '3.4028235677973366e38'::float then cast('inf' as float) when cast("Umsatz" as float) <= '-3.4028235677973366e38'::float then cast('-inf' as float) else cast("Umsatz" as float) end as _x1
    from features
)

select
    "customer_id",
    "as_of",
    cast(('5e-1'::float + '5e-1'::float * tanh('5e-1'::float * ((((cast(sign(case when _x0 is null then '0e0'::float else _x0 end) as float) * cast(ln((cast(abs(case when _x0 is null then '0e0'::float else _x0 end) as float) + '1e0'::float)) as float)) * '5e-1'::float) + ((cast(sign(case when _x1 is null then '0e0'::float else _x1 end) as float) * cast(ln((cast(abs(case when _x1 is null then '0e0'::float else _x1 end) as float) + '1e0'::float)) as float)) * '-1.25e0'::float)) + '-2.5e-1'::float))) as float) as "churn_probability"
from _stage0
