-- Kaplan-Meier: the share of customers who still are customers so many days after they began, with its bounds
with

known as (

    select {{ holdfast.known_until() }} as known_until,

),

-- a customer counts from the first purchase (or subscription) to the first churn, else for as long as was looked at
lives as (

    select
        spells.churn_definition,
        spells.customer_id,
        spells.started_at,
        spells.ended_at is not null as has_churned,
        case
            when spells.ended_at is not null then spells.ended_at
            when spells.churn_definition = 'contractual'
                then known.known_until - interval {{ holdfast.setting('allowed_gap_days') }} day
            else known.known_until
        end as looked_until,
    from {{ ref('holdfast', 'holdfast__customer_spells') }} as spells
    cross join known
    where spells.spell = 1

),

-- who subscribed when the allowed gap had begun, too, was not looked at yet
dated as (

    select
        *,
        {{ holdfast.days_between('started_at', 'looked_until') }} as days,
    from lives
    where started_at <= looked_until

),

split_up as (

    select
        dated.churn_definition,
        segments.segment_by,
        segments.segment,
        dated.has_churned,
        dated.days,
    from dated
    inner join {{ ref('holdfast', 'holdfast__cohort_segments') }} as segments
        on segments.customer_id = dated.customer_id

),

merged as (

    {{ holdfast.least_groups('split_up', by=['churn_definition']) | indent(4) }}

),

segmented as (

    select
        churn_definition,
        'all' as segment_by,
        'all' as segment,
        has_churned,
        days,
    from dated

    union all

    select
        churn_definition,
        segment_by,
        segment,
        has_churned,
        days,
    from merged

),

counted as (

    select
        churn_definition,
        segment_by,
        segment,
        days,
        count(*) filter (where has_churned) as churned,
        count(*) filter (where not has_churned) as censored,
    from segmented
    group by churn_definition, segment_by, segment, days

),

lengths as (

    select
        churn_definition,
        segment_by,
        segment,
        max(days) as last_day,
        sum(churned + censored) as customers,
    from counted
    group by churn_definition, segment_by, segment

),

timeline as (

    select
        churn_definition,
        segment_by,
        segment,
        customers,
        {{ holdfast.whole_numbers('last_day') }} as days,
    from lengths

),

at_risk as (

    select
        timeline.churn_definition,
        timeline.segment_by,
        timeline.segment,
        timeline.days,
        coalesce(counted.churned, 0) as churned,
        coalesce(counted.censored, 0) as censored,
        timeline.customers - coalesce(
            sum(counted.churned + counted.censored) over (
                partition by timeline.churn_definition, timeline.segment_by, timeline.segment
                order by timeline.days asc nulls last
                rows between unbounded preceding and 1 preceding
            ),
            0
        ) as customers_at_risk,
    from timeline
    left join counted
        on counted.churn_definition = timeline.churn_definition
        and counted.segment_by = timeline.segment_by
        and counted.segment = timeline.segment
        and counted.days = timeline.days

),

-- the product of the shares that stayed, as a sum of logarithms; a day on which all left has none
steps as (

    select
        *,
        case when churned < customers_at_risk then ln(1 - churned / cast(customers_at_risk as double)) else 0 end
            as log_step,
        case when churned = customers_at_risk then 1 else 0 end as is_end,
        case
            when churned < customers_at_risk
                then churned / cast(cast(customers_at_risk as double) * (customers_at_risk - churned) as double)
            else 0
        end as variance_step,
    from at_risk

),

summed as (

    select
        *,
        sum(log_step) over days_so_far as log_survival,
        max(is_end) over days_so_far = 1 as has_ended,
        sum(variance_step) over days_so_far as variance,
    from steps
    window
        days_so_far as (
            partition by churn_definition, segment_by, segment
            order by days asc nulls last
            rows between unbounded preceding and current row
        )

),

-- log-log bounds after Greenwood: they stay between 0 and 1
bounded as (

    select
        *,
        case when has_ended then 0e0 else exp(log_survival) end as survival,
        case
            when log_survival < 0 and not has_ended
                then 1.959963984540054e0 * sqrt(variance) / cast(log_survival as double)
        end as half_width,
    from summed

),

final as (

    select
        churn_definition,
        churn_definition = {{ holdfast.text(holdfast.setting('churn_definition')) }} as is_project_definition,
        segment_by,
        segment,
        cast(days as integer) as days,
        cast(customers_at_risk as bigint) as customers_at_risk,
        cast(churned as bigint) as churned,
        cast(censored as bigint) as censored,
        survival,
        case
            when has_ended then null
            when log_survival < 0 then exp(log_survival * exp(-half_width))
            else survival
        end as survival_lower,
        case
            when has_ended then null
            when log_survival < 0 then exp(log_survival * exp(half_width))
            else survival
        end as survival_upper,
        {{ holdfast.as_of_date() }} as as_of_date,
    from bounded

)

select * from final
