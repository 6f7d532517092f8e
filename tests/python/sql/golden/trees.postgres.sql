with _stage0 as (
    select
        "customer_id",
        "as_of",
        case when cast("f1" as double precision) = 'NaN' then null when cast("f1" as double precision) >= '3.4028235677973366e38'::float8 then cast('infinity' as real) when cast("f1" as double precision) <= '-3.4028235677973366e38'::float8 then cast('-infinity' as real) else case when abs(cast("f1" as double precision)) <= '7.006492321624085e-46'::float8 then '0'::real else cast("f1" as real) end end as _x1
    from features
)

select
    "customer_id",
    "as_of",
    cast(('5e-1'::float8 + '5e-1'::float8 * tanh('5e-1'::float8 * ('1.0000000149011612e-1'::float8 + case when _x1 <= '1.6866136e0'::real then '-1.9999999552965164e-2'::float8 else case when (_x1 <= '-8.029567e-1'::real or _x1 is null) then '-9.999999776482582e-3'::float8 else '-2.9999999329447746e-2'::float8 end end + case when (_x1 <= '1e30'::real or _x1 is null) then case when (_x1 <= '-1.5709621e0'::real or _x1 is null) then '9.999999776482582e-3'::float8 else '1.9999999552965164e-2'::float8 end else '2.9999999329447746e-2'::float8 end))) as real) as "churn_probability"
from _stage0
