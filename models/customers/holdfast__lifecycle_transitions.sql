-- how many customers went from which state to which in each month
{% set least_group = holdfast.setting('least_group') -%}
with

known as (

    select {{ holdfast.known_until() }} as known_until,

),

-- ends of subscriptions that lie ahead are known at the as-of date, which says nothing about when they were cancelled
moves as (

    select
        churn_definition,
        cast(date_trunc('month', entered_at) as date) as month,
        coalesce(
            lag(state) over (
                partition by churn_definition, customer_id
                order by entered_at asc nulls last, left_at asc nulls last
            ),
            'start'
        ) as from_state,
        state as to_state,
        customer_id,
        entered_at,
    from {{ ref('holdfast', 'holdfast__customer_lifecycle') }}

),

counted as (

    select
        churn_definition,
        month,
        from_state,
        to_state,
        count(distinct customer_id) as customers,
    from moves
    where entered_at < {{ holdfast.as_of_date() }}
    group by churn_definition, month, from_state, to_state

),

-- a few customers are told together, or not at all
grouped as (

    select
        churn_definition,
        month,
        case when customers < {{ least_group }} then 'other' else from_state end as from_state,
        case when customers < {{ least_group }} then 'other' else to_state end as to_state,
        sum(customers) as customers,
    from counted
    group by
        churn_definition,
        month,
        case when customers < {{ least_group }} then 'other' else from_state end,
        case when customers < {{ least_group }} then 'other' else to_state end
    having sum(customers) >= {{ least_group }}

),

final as (

    select
        cast(grouped.churn_definition as varchar) as churn_definition,
        grouped.churn_definition = {{ holdfast.text(holdfast.setting('churn_definition')) }} as is_project_definition,
        grouped.month,
        grouped.month + interval 1 month <= known.known_until as is_complete,
        cast(grouped.from_state as varchar) as from_state,
        cast(grouped.to_state as varchar) as to_state,
        cast(grouped.customers as bigint) as customers,
    from grouped
    cross join known

)

select * from final
