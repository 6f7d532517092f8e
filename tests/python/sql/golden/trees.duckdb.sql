with _stage0 as (
    select
        "customer_id",
        "as_of",
        nullif(coalesce(try_cast("f1" as float), case when "f1" > 0 then cast('infinity' as float) when "f1" < 0 then cast('-infinity' as float) else cast('nan' as float) end), cast('nan' as float)) as _x1
    from features
)

select
    "customer_id",
    "as_of",
    cast((1e0 / (1e0 + exp(-(1.0000000149011612e-1 + case when _x1 <= cast(1.6866136e0 as float) then -1.9999999552965164e-2 else case when (_x1 <= cast(-8.029567e-1 as float) or _x1 is null) then -9.999999776482582e-3 else -2.9999999329447746e-2 end end + case when (_x1 <= cast(1e30 as float) or _x1 is null) then case when (_x1 <= cast(-1.5709621e0 as float) or _x1 is null) then 9.999999776482582e-3 else 1.9999999552965164e-2 end else 2.9999999329447746e-2 end)))) as float) as "churn_probability"
from _stage0
