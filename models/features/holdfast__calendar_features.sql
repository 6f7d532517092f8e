-- the season of the observation; sine and cosine, so that December lies beside January
with

final as (

    select
        customer_id,
        as_of,
        sin(2 * pi() * (month(as_of) - 1) / 12e0) as calendar_month_sin,
        cos(2 * pi() * (month(as_of) - 1) / 12e0) as calendar_month_cos,
        (dayofyear(as_of) - 1) / 366e0 as calendar_year_share,
    from {{ ref('holdfast', 'holdfast__customer_spine') }}

)

select * from final
