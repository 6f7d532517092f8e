-- month by month: who came, stayed, left and came back, and what they brought
{% set horizon_days = holdfast.setting('churn_horizon_days') -%}
{% set gap_days = holdfast.setting('allowed_gap_days') -%}
with

known as (

    select {{ holdfast.known_until() }} as known_until,

),

spells as (

    select
        *,
        cast(date_trunc('month', started_at) as date) as started_month,
        cast(date_trunc('month', ended_at) as date) as ended_month,
    from {{ ref('holdfast', 'holdfast__customer_spells') }}

),

beginnings as (

    select
        churn_definition,
        min(started_at) as first_started_at,
        min(started_month) as first_month,
    from spells
    group by churn_definition

),

calendar as (

    {{ holdfast.months('(select min(first_month) from beginnings)', holdfast.as_of_date() ~ ' - 1') }}

),

-- months count once they are over, and churn once it is known of everybody: when the allowed gap is over too. In a
-- shop younger than the horizon nobody can have been silent for so long
months as (

    select
        beginnings.churn_definition,
        calendar.month,
        calendar.month + interval 1 month <= known.known_until as is_complete,
        case beginnings.churn_definition
            when 'contractual' then calendar.month + interval 1 month + interval {{ gap_days }} day <= known.known_until
            else
                calendar.month + interval 1 month <= known.known_until
                and calendar.month >= beginnings.first_started_at + interval {{ horizon_days }} day
        end as is_mature,
        calendar.month + interval 1 month + interval {{ horizon_days }} day <= known.known_until as has_followed_up,
        least(calendar.month + interval 1 month, known.known_until) as month_ends_at,
    from calendar
    inner join beginnings on calendar.month >= beginnings.first_month
    cross join known

),

starts as (

    select
        churn_definition,
        started_month as month,
        count(*) filter (where spell = 1) as new_customers,
        count(*) filter (where spell > 1) as reactivated_customers,
    from spells
    group by churn_definition, started_month

),

ends as (

    select
        churn_definition,
        ended_month as month,
        count(*) as churned_customers,
        count(*) filter (where started_at < ended_month) as lost_customers,
    from spells
    where ended_month is not null
    group by churn_definition, ended_month

),

flows as (

    select
        months.*,
        coalesce(starts.new_customers, 0) as new_customers,
        coalesce(starts.reactivated_customers, 0) as reactivated_customers,
        coalesce(ends.churned_customers, 0) as churned_customers,
        coalesce(ends.lost_customers, 0) as lost_customers,
    from months
    left join starts
        on starts.churn_definition = months.churn_definition
        and starts.month = months.month
    left join ends
        on ends.churn_definition = months.churn_definition
        and ends.month = months.month

),

stocks as (

    select
        *,
        sum(new_customers + reactivated_customers - churned_customers) over (
            partition by churn_definition
            order by month asc nulls last
            rows between unbounded preceding and current row
        ) as active_customers,
    from flows

),

counted as (

    select
        *,
        active_customers - new_customers - reactivated_customers + churned_customers as customers_at_start,
    from stocks

),

bought as (

    select
        month,
        sum(retained_customers) as buying_customers,
        sum(retained_customers) filter (where months_since > 0) as returning_customers,
        sum(order_count) as order_count,
    from {{ ref('holdfast', 'holdfast__retention_cohorts') }}
    where segment_by = 'all'
    group by month

),

sold as (

    select
        month,
        sum(revenue) as revenue,
    from {{ ref('holdfast', 'holdfast__customer_months') }}
    group by month

),

second_orders as (

    select
        cohort_month as month,
        count(*) as first_time_customers,
        count(*) filter (where second_order_at < first_order_at + interval {{ horizon_days }} day)
            as repeating_customers,
    from {{ ref('holdfast', 'holdfast__customer_history') }}
    where cohort_month is not null
    group by cohort_month

),

-- net revenue retention: what the customers of a year ago bring now, for what they brought then
revenue_kept as (

    select
        calendar.month,
        sum(cohorts.revenue) filter (
            where
            cohorts.month > calendar.month - interval 12 month
            and cohorts.cohort_month <= calendar.month - interval 12 month
        ) as kept,
        sum(cohorts.revenue) filter (where cohorts.month <= calendar.month - interval 12 month) as before,
        min(cohorts.month) <= calendar.month - interval 23 month as has_two_years,
    from calendar
    inner join {{ ref('holdfast', 'holdfast__retention_cohorts') }} as cohorts
        on cohorts.segment_by = 'all'
        and cohorts.month <= calendar.month
        and cohorts.month > calendar.month - interval 24 month
    group by calendar.month

),

-- a gap that is no churn is no gap of revenue either
memberships as (

    {{ holdfast.memberships(gap_days, as_of=holdfast.as_of_date()) | indent(4) }}

),

running as (

    select
        months.month,
        memberships.customer_id,
        sum(memberships.mrr) as mrr,
    from months
    inner join memberships
        on memberships.started_at < months.month_ends_at
        and memberships.runs_until >= months.month_ends_at
    where months.churn_definition = 'contractual'
    group by months.month, memberships.customer_id

),

mrr_of_month as (

    select
        month,
        sum(mrr) as mrr,
    from running
    group by month

),

mrr_kept as (

    select
        year_ago.month + interval 12 month as month,
        sum(now_running.mrr) as kept,
        sum(year_ago.mrr) as before,
    from running as year_ago
    left join running as now_running
        on now_running.customer_id = year_ago.customer_id
        and now_running.month = year_ago.month + interval 12 month
    group by year_ago.month

),

final as (

    select
        counted.month,
        counted.churn_definition,
        counted.churn_definition = {{ holdfast.text(holdfast.setting('churn_definition')) }} as is_project_definition,
        counted.is_complete,
        counted.is_mature,
        cast(counted.customers_at_start as bigint) as customers_at_start,
        cast(counted.new_customers as bigint) as new_customers,
        cast(counted.reactivated_customers as bigint) as reactivated_customers,
        cast(case when counted.is_mature then counted.churned_customers end as bigint) as churned_customers,
        cast(case when counted.is_mature then counted.customers_at_start - counted.lost_customers end as bigint)
            as retained_customers,
        cast(counted.active_customers as bigint) as active_customers,
        case
            when counted.is_mature
                then 1 - counted.lost_customers / cast(nullif(counted.customers_at_start, 0) as double)
        end as retention_rate,
        case
            when counted.is_mature
                then counted.lost_customers / cast(nullif(counted.customers_at_start, 0) as double)
        end as churn_rate,
        cast(coalesce(bought.buying_customers, 0) as bigint) as buying_customers,
        cast(coalesce(bought.returning_customers, 0) as bigint) as returning_customers,
        cast(coalesce(bought.order_count, 0) as bigint) as order_count,
        cast(coalesce(sold.revenue, 0) as decimal(38, 4)) as revenue,
        case
            when counted.is_complete
                then bought.order_count / cast(nullif(bought.buying_customers, 0) as double)
        end as orders_per_customer,
        case
            when counted.is_complete
                then cast(sold.revenue as double) / cast(nullif(bought.buying_customers, 0) as double)
        end as revenue_per_customer,
        case
            when counted.is_complete
                then cast(sold.revenue as double) / cast(nullif(bought.order_count, 0) as double)
        end as average_order_value,
        case
            when counted.is_complete
                then coalesce(bought.returning_customers, 0) / cast(nullif(bought.buying_customers, 0) as double)
        end as returning_customer_share,
        case
            when counted.has_followed_up
                then second_orders.repeating_customers / cast(nullif(second_orders.first_time_customers, 0) as double)
        end as repeat_rate,
        cast(
            case when counted.churn_definition = 'contractual' then mrr_of_month.mrr end as decimal(38, 4)
        ) as mrr,
        case
            when not counted.is_complete then null
            when counted.churn_definition = 'contractual'
                then cast(coalesce(mrr_kept.kept, 0) as double) / cast(nullif(mrr_kept.before, 0) as double)
            when revenue_kept.has_two_years
                then cast(coalesce(revenue_kept.kept, 0) as double) / cast(nullif(revenue_kept.before, 0) as double)
        end as net_revenue_retention,
        {{ holdfast.as_of_date() }} as as_of_date,
    from counted
    left join bought on bought.month = counted.month
    left join sold on sold.month = counted.month
    left join second_orders on second_orders.month = counted.month
    left join revenue_kept on revenue_kept.month = counted.month
    left join mrr_of_month on mrr_of_month.month = counted.month
    left join mrr_kept on mrr_kept.month = counted.month

)

select * from final
