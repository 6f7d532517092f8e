-- of the customers who first bought in a month, how many bought in the months after, and how much
with

split_up as (

    select
        segment_by,
        segment,
        customer_id,
        cohort_month,
    from {{ ref('holdfast', 'holdfast__cohort_segments') }}

),

-- no cell of few: it would tell what one of them did
merged as (

    {{ holdfast.least_groups('split_up', by=['cohort_month']) | indent(4) }}

),

cohorts as (

    select
        'all' as segment_by,
        'all' as segment,
        customer_id,
        cohort_month,
    from {{ ref('holdfast', 'holdfast__customer_history') }}
    where cohort_month is not null

    union all

    select
        segment_by,
        segment,
        customer_id,
        cohort_month,
    from merged

),

sizes as (

    select
        segment_by,
        segment,
        cohort_month,
        count(*) as customers,
    from cohorts
    group by segment_by, segment, cohort_month

),

bought as (

    select
        cohorts.segment_by,
        cohorts.segment,
        cohorts.cohort_month,
        customer_months.month,
        count(*) filter (where customer_months.order_count > 0) as retained_customers,
        sum(customer_months.order_count) as order_count,
        sum(customer_months.revenue) as revenue,
    from {{ ref('holdfast', 'holdfast__customer_months') }} as customer_months
    inner join cohorts on cohorts.customer_id = customer_months.customer_id
    where customer_months.month >= cohorts.cohort_month
    group by cohorts.segment_by, cohorts.segment, cohorts.cohort_month, customer_months.month

),

months as (

    {{ holdfast.months('(select min(cohort_month) from sizes)', holdfast.as_of_date() ~ ' - 1') }}

),

-- a month in which nobody of a cohort bought is a month, too
counted as (

    select
        sizes.segment_by,
        sizes.segment,
        sizes.cohort_month,
        months.month,
        sizes.customers,
        coalesce(bought.retained_customers, 0) as retained_customers,
        coalesce(bought.order_count, 0) as order_count,
        coalesce(bought.revenue, 0) as revenue,
    from sizes
    inner join months on months.month >= sizes.cohort_month
    left join bought
        on bought.segment_by = sizes.segment_by
        and bought.segment = sizes.segment
        and bought.cohort_month = sizes.cohort_month
        and bought.month = months.month

),

known as (

    select {{ holdfast.known_until() }} as known_until,

),

summed as (

    select
        counted.*,
        counted.month + interval 1 month <= known.known_until as is_complete,
        sum(counted.revenue) over (
            partition by counted.segment_by, counted.segment, counted.cohort_month
            order by counted.month asc nulls last
            rows between unbounded preceding and current row
        ) as revenue_to_date,
    from counted
    cross join known

),

final as (

    select
        segment_by,
        segment,
        cohort_month,
        cast({{ holdfast.months_between('cohort_month', 'month') }} as integer) as months_since,
        month,
        is_complete,
        customers,
        cast(retained_customers as bigint) as retained_customers,
        case when is_complete then retained_customers / cast(customers as double) end as retention_rate,
        cast(order_count as bigint) as order_count,
        cast(revenue as decimal(38, 4)) as revenue,
        cast(revenue_to_date as decimal(38, 4)) as revenue_to_date,
        cast(revenue_to_date as double) / cast(customers as double) as revenue_to_date_per_customer,
        {{ holdfast.as_of_date() }} as as_of_date,
    from summed

)

select * from final
