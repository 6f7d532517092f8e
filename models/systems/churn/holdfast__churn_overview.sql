-- how many customers of each segment can be lost, and what they are worth
{% set reach = '1.959963984540054e0' -%}
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

-- by how much whole dates that the champion, or its twin, had not seen came out otherwise than it said
levels as (

    select
        evaluations.model_id,
        evaluations.as_of,
        max(evaluations.value) filter (where evaluations.metric = 'base_rate') as observed,
        max(evaluations.value) filter (where evaluations.metric = 'mean_probability') as predicted,
        max(evaluations.value) filter (where evaluations.metric = 'row_count') as row_count,
    from {{ ref('holdfast', 'holdfast__model_evaluations') }} as evaluations
    inner join {{ ref('holdfast', 'holdfast__model_registry') }} as models
        on models.task = evaluations.task
        and models.stage in ('champion', 'fallback')
        and evaluations.model_id in (models.model_id, {{ holdfast.json_text('models.parameters', 'evaluated_as') }})
    where
        evaluations.task = 'churn'
        and (
            evaluations.split = 'live'
            -- other customers on dates that the model has learned from tell nothing of another date's level
            or evaluations.split = 'test'
            and coalesce({{ holdfast.json_text('models.parameters', 'selection') }}, '') != 'held_out_customers'
        )
        and evaluations.segment is null
        and evaluations.as_of is not null
    group by evaluations.model_id, evaluations.as_of

),

-- in log-odds, without what chance alone moves a date of that many customers
level_error as (

    select
        case
            when count(*) >= 2
                then sqrt(greatest(cast(sum(cast(excess as decimal(18, 9))) as double) / cast(count(*) as double), 0e0))
        end as spread,
    from (
        select
            power(
                ln(observed / cast(1e0 - observed as double)) - ln(predicted / cast(1e0 - predicted as double)), 2e0
            )
            - 1e0 / cast(row_count * observed * (1e0 - observed) as double) as excess,
        from levels
        where
            observed > 0
            and observed < 1
            and predicted > 0
            and predicted < 1
            and row_count > 0
    ) as dates

),

summed as (

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
        cast(
            sum(cast(customers.probability * (1 - customers.probability) as decimal(18, 12))) as double
        ) as variance,
        cast(sum(customers.revenue) as decimal(38, 4)) as revenue,
        cast(sum(customers.revenue_365d) as decimal(38, 4)) as revenue_365d,
        cast(coalesce(sum(customers.value_at_risk), 0) as decimal(38, 4)) as value_at_risk,
        cast(coalesce(sum(customers.revenue_at_risk), 0) as decimal(38, 4)) as revenue_at_risk,
    from customers
    inner join cells
        on cells.risk = customers.risk
        and cells.segment = customers.segment
    group by customers.as_of_date, cells.told_risk, cells.told_segment

),

-- each customer's own chance, and the level, which is wrong for all of them at once
bounded as (

    select
        summed.*,
        {{ reach }} * sqrt(summed.variance + power(summed.variance * level_error.spread, 2e0)) as width,
    from summed
    cross join level_error

),

final as (

    select
        as_of_date,
        risk_band,
        segment,
        customers,
        scored_customers,
        mean_churn_probability,
        expected_churners,
        case when width is not null then greatest(expected_churners - width, 0e0) end as expected_churners_lower,
        case
            when width is not null then least(expected_churners + width, cast(scored_customers as double))
        end as expected_churners_upper,
        revenue,
        revenue_365d,
        value_at_risk,
        revenue_at_risk,
    from bounded

)

select * from final
