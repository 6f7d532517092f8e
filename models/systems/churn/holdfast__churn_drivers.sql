-- what drives the risk of those who can be kept: the reasons of the latest scores, counted and weighed
with

-- decimals add up to the same in every order
reasons as (

    select
        customer_id,
        rank,
        reason,
        theme as driver,
        cast(contribution as decimal(18, 9)) as contribution,
    from {{ ref('holdfast', 'holdfast__churn_reasons') }}

),

totals as (

    select
        customer_id,
        sum(contribution) as contribution,
    from reasons
    group by customer_id

),

-- a customer's value at risk is shared out among the listed reasons by what each adds to the risk
weighed as (

    select
        customers.customer_id,
        customers.as_of_date,
        customers.segment,
        customers.risk_band,
        customers.revenue_365d,
        customers.value_at_risk,
        reasons.driver,
        reasons.rank,
        reasons.reason,
        reasons.contribution,
        reasons.contribution / cast(nullif(totals.contribution, 0) as double) as share,
    from reasons
    inner join totals on totals.customer_id = reasons.customer_id
    inner join {{ ref('holdfast', 'holdfast__customer_retention') }} as customers
        on customers.customer_id = reasons.customer_id
    -- which only those have who can still be kept
    where customers.risk_band is not null

),

counted as (

    select
        risk_band,
        segment,
        driver,
        count(distinct customer_id) as customers,
    from weighed
    group by risk_band, segment, driver

),

-- a group of few would tell about each of them: it becomes part of the segment `other`, …
small_segments as (

    select
        *,
        {{ holdfast.is_small_group('customers', ['segment'], within=['driver', 'risk_band']) }} as is_small,
    from counted

),

by_segment as (

    select
        *,
        case when is_small then 'other' else segment end as told_segment,
    from small_segments

),

-- … where even that is small, part of the risk band `other`, …
by_risk as (

    select
        driver,
        risk_band,
        told_segment,
        sum(customers) as customers,
        {{ holdfast.is_small_group('sum(customers)', ['risk_band', 'told_segment'], within=['driver']) }} as is_small,
    from by_segment
    group by driver, risk_band, told_segment

),

placed as (

    select
        *,
        case when is_small then 'other' else risk_band end as placed_risk,
        case when is_small then 'other' else told_segment end as placed_segment,
    from by_risk

),

-- … and at last of the driver `other`
by_driver as (

    select
        driver,
        placed_risk,
        placed_segment,
        sum(customers) as customers,
    from placed
    group by driver, placed_risk, placed_segment

),

small_drivers as (

    select
        *,
        {{ holdfast.is_small_group(
            'customers', ['driver', 'placed_risk', 'placed_segment'], overlapping=true,
        ) }} as is_small,
    from by_driver

),

cells as (

    select
        by_segment.driver,
        by_segment.risk_band,
        by_segment.segment,
        case when small_drivers.is_small then 'other' else by_segment.driver end as told_driver,
        case when small_drivers.is_small then 'other' else placed.placed_risk end as told_risk,
        case when small_drivers.is_small then 'other' else placed.placed_segment end as told_segment,
    from by_segment
    inner join placed
        on placed.driver = by_segment.driver
        and placed.risk_band = by_segment.risk_band
        and placed.told_segment = by_segment.told_segment
    inner join small_drivers
        on small_drivers.driver = placed.driver
        and small_drivers.placed_risk = placed.placed_risk
        and small_drivers.placed_segment = placed.placed_segment

),

-- once per customer: several of their reasons may have become `other`
by_customer as (

    select
        weighed.as_of_date,
        cells.told_segment as segment,
        cells.told_risk as risk_band,
        cells.told_driver as driver,
        weighed.customer_id,
        min(weighed.rank) as rank,
        sum(weighed.contribution) as contribution,
        max(weighed.revenue_365d) as revenue_365d,
        max(weighed.value_at_risk) as value_at_risk,
        sum(cast(weighed.value_at_risk * weighed.share as decimal(38, 4))) as attributed_value_at_risk,
        {{ holdfast.value_at_max('weighed.reason', '(weighed.contribution, weighed.reason)') }} as reason,
    from weighed
    inner join cells
        on cells.driver = weighed.driver
        and cells.risk_band = weighed.risk_band
        and cells.segment = weighed.segment
    group by weighed.as_of_date, cells.told_segment, cells.told_risk, cells.told_driver, weighed.customer_id

),

final as (

    select
        as_of_date,
        segment,
        risk_band,
        driver,
        {{ holdfast.theme_label('driver', 'risk') }} as driver_label,
        count(*) as customers,
        count(*) filter (where rank = 1) as first_reason_customers,
        cast(sum(contribution) as double) as contribution,
        cast(sum(contribution) as double) / cast(count(*) as double) as mean_contribution,
        cast(sum(revenue_365d) as decimal(38, 4)) as revenue_365d,
        cast(sum(value_at_risk) as decimal(38, 4)) as value_at_risk,
        cast(sum(attributed_value_at_risk) as decimal(38, 4)) as attributed_value_at_risk,
        {{ holdfast.value_at_max('reason', '(contribution, reason)') }} as example,
    from by_customer
    group by as_of_date, segment, risk_band, driver

)

select * from final
