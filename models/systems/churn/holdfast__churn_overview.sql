-- how many customers of each segment are at which risk, and what they are worth
with

customers as (

    select
        *,
        coalesce(risk_band, 'not scored') as risk,
    from {{ ref('holdfast', 'holdfast__customer_retention') }}

),

final as (

    select
        as_of_date,
        risk as risk_band,
        segment,
        count(*) as customers,
        count(churn_probability) as scored_customers,
        -- exact sums, so that two builds give the same to the last bit
        cast(sum(cast(churn_probability as decimal(18, 12))) as double)
        / cast(nullif(count(churn_probability), 0) as double)
            as mean_churn_probability,
        cast(sum(cast(churn_probability as decimal(18, 12))) as double) as expected_churners,
        cast(sum(revenue) as decimal(38, 4)) as revenue,
        cast(sum(revenue_365d) as decimal(38, 4)) as revenue_365d,
        cast(coalesce(sum(value_at_risk), 0) as decimal(38, 4)) as value_at_risk,
    from customers
    group by as_of_date, risk, segment

)

select * from final
