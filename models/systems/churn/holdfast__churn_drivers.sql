-- what drives the risk of whom: the reasons of the latest scores, counted and weighed
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

-- a customer's value at risk hangs on the listed reasons by what each adds to the risk
weighed as (

    select
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
    where customers.risk_band is not null

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
        cast(sum(cast(value_at_risk * share as decimal(38, 4))) as decimal(38, 4)) as attributed_value_at_risk,
        {{ holdfast.value_at_max('reason', '(contribution, reason)') }} as example,
    from weighed
    group by as_of_date, segment, risk_band, driver

)

select * from final
