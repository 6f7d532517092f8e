with _stage0 as (
    select
        "customer_id",
        "as_of",
        case when cast("orders 30d" as double precision) = 'NaN' then null when cast("orders 30d" as double precision) >= '3.4028235677973366e38'::float8 then cast('infinity' as real) when cast("orders 30d" as double precision) <= '-3.4028235677973366e38'::float8 then cast('-infinity' as real) else case when abs(cast("orders 30d" as double precision)) <= '7.006492321624085e-46'::float8 then '0'::real else cast("orders 30d" as real) end end as _x0,
        case when cast("Umsatz" as double precision) = 'NaN' then null when cast("Umsatz" as double precision) >= '3.4028235677973366e38'::float8 then cast('infinity' as real) when cast("Umsatz" as double precision) <= '-3.4028235677973366e38'::float8 then cast('-infinity' as real) else case when abs(cast("Umsatz" as double precision)) <= '7.006492321624085e-46'::float8 then '0'::real else cast("Umsatz" as real) end end as _x1
    from features
)

select
    "customer_id",
    "as_of",
    cast(('5e-1'::float8 + '5e-1'::float8 * tanh('5e-1'::float8 * ((((cast(sign(case when _x0 is null then '0e0'::real else _x0 end) as real) * cast(ln((cast(abs(case when _x0 is null then '0e0'::real else _x0 end) as real) + '1e0'::real)) as real)) * '5e-1'::real) + ((cast(sign(case when _x1 is null then '0e0'::real else _x1 end) as real) * cast(ln((cast(abs(case when _x1 is null then '0e0'::real else _x1 end) as real) + '1e0'::real)) as real)) * '-1.25e0'::real)) + '-2.5e-1'::real))) as real) as "churn_probability"
from _stage0
