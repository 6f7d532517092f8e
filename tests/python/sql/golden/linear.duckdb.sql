with _stage0 as (
    select
        "customer_id",
        "as_of",
        nullif(coalesce(try_cast("orders 30d" as float), case when "orders 30d" > 0 then cast('infinity' as float) when "orders 30d" < 0 then cast('-infinity' as float) else cast('nan' as float) end), cast('nan' as float)) as _x0,
        nullif(coalesce(try_cast("Umsatz" as float), case when "Umsatz" > 0 then cast('infinity' as float) when "Umsatz" < 0 then cast('-infinity' as float) else cast('nan' as float) end), cast('nan' as float)) as _x1
    from features
)

select
    "customer_id",
    "as_of",
    cast((1e0 / (1e0 + exp(-((((cast(sign(case when _x0 is null then cast(0e0 as float) else _x0 end) as float) * cast(ln((cast(abs(case when _x0 is null then cast(0e0 as float) else _x0 end) as float) + cast(1e0 as float))) as float)) * cast(5e-1 as float)) + ((cast(sign(case when _x1 is null then cast(0e0 as float) else _x1 end) as float) * cast(ln((cast(abs(case when _x1 is null then cast(0e0 as float) else _x1 end) as float) + cast(1e0 as float))) as float)) * cast(-1.25e0 as float))) + cast(-2.5e-1 as float))))) as float) as "churn_probability"
from _stage0
