-- what drives the risk of whom: the reasons of the latest scores, counted and weighed
with

reasons as (

    select
        *,
        regexp_replace(feature, '_[0-9]+[dwm](_offset_[0-9]+[dwm])?$', '') as driver,
    from {{ ref('churn_reasons') }}

),

customers as (

    select
        customer_id,
        as_of_date,
        segment,
        risk_band,
        revenue_365d,
        value_at_risk,
    from {{ ref('customer_retention') }}
    where risk_band is not null

),

-- a customer's value at risk hangs on the listed reasons by what each adds to the risk
weighed as (

    select
        customers.*,
        reasons.driver,
        reasons.rank,
        reasons.contribution,
        reasons.reason,
        reasons.contribution / nullif(
            sum(reasons.contribution) over (
                partition by customers.customer_id
                order by reasons.rank asc
                rows between unbounded preceding and unbounded following
            ),
            0
        ) as share,
    from reasons
    inner join customers on customers.customer_id = reasons.customer_id

),

final as (

    select
        as_of_date,
        segment,
        risk_band,
        driver,
        replace(driver, '_', ' ') as driver_label,
        count(*) as customers,
        count(*) filter (where rank = 1) as first_reason_customers,
        cast(sum(cast(contribution as decimal(18, 9))) as double) as contribution,
        cast(sum(cast(contribution as decimal(18, 9))) as double) / count(*) as mean_contribution,
        cast(sum(revenue_365d) as decimal(38, 4)) as revenue_365d,
        cast(sum(value_at_risk) as decimal(38, 4)) as value_at_risk,
        cast(sum(cast(value_at_risk * share as decimal(38, 4))) as decimal(38, 4)) as attributed_value_at_risk,
        arg_max(reason, (contribution, customer_id)) as example,
    from weighed
    group by as_of_date, segment, risk_band, driver

)

select * from final
