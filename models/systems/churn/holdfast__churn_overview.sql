-- how many customers of each segment can be lost, and what they are worth
with

customers as (

    select
        *,
        coalesce(risk_band, case when lifecycle_state = 'lapsed' then 'lapsed' end, 'not scored') as risk,
        -- nobody is lost twice
        case when risk_band is not null then cast(churn_probability as decimal(18, 12)) end as probability,
    from {{ ref('holdfast', 'holdfast__customer_retention') }}

),

counted as (

    select
        risk,
        segment,
        count(*) as customers,
    from customers
    group by risk, segment

),

-- a group of few would tell about each of them: it becomes part of the risk band's segment `other`, …
small_segments as (

    select
        *,
        {{ holdfast.is_small_group('customers', ['segment'], within=['risk']) }} as is_small,
    from counted

),

by_segment as (

    select
        *,
        case when is_small then 'other' else segment end as told_segment,
    from small_segments

),

-- … and where even that is small, part of the risk band `other`
by_risk as (

    select
        risk,
        told_segment,
        {{ holdfast.is_small_group('sum(customers)', ['risk', 'told_segment']) }} as is_small,
    from by_segment
    group by risk, told_segment

),

cells as (

    select
        by_segment.risk,
        by_segment.segment,
        case when by_risk.is_small then 'other' else by_segment.risk end as told_risk,
        case when by_risk.is_small then 'other' else by_segment.told_segment end as told_segment,
    from by_segment
    inner join by_risk
        on by_risk.risk = by_segment.risk
        and by_risk.told_segment = by_segment.told_segment

),

final as (

    select
        customers.as_of_date,
        cells.told_risk as risk_band,
        cells.told_segment as segment,
        count(*) as customers,
        count(customers.probability) as scored_customers,
        -- exact sums, so that two builds give the same to the last bit
        cast(sum(customers.probability) as double)
        / cast(nullif(count(customers.probability), 0) as double)
            as mean_churn_probability,
        cast(sum(customers.probability) as double) as expected_churners,
        cast(sum(customers.revenue) as decimal(38, 4)) as revenue,
        cast(sum(customers.revenue_365d) as decimal(38, 4)) as revenue_365d,
        cast(coalesce(sum(customers.value_at_risk), 0) as decimal(38, 4)) as value_at_risk,
        cast(coalesce(sum(customers.revenue_at_risk), 0) as decimal(38, 4)) as revenue_at_risk,
    from customers
    inner join cells
        on cells.risk = customers.risk
        and cells.segment = customers.segment
    group by customers.as_of_date, cells.told_risk, cells.told_segment

)

select * from final
