-- the table that a BI tool opens first: every customer once, with what we know and what we expect
{% set as_of = 'cast(' ~ holdfast.as_of_date() ~ ' as timestamp)' -%}
with

orders as (

    select
        customer_id,
        min(ordered_at) filter (where amount > 0) as first_order_at,
        max(ordered_at) filter (where amount > 0) as last_order_at,
        count(*) filter (where amount > 0) as order_count,
        sum(amount) as revenue,
    from {{ ref('stg_holdfast__orders') }}
    where
        ordered_at < {{ holdfast.as_of_date() }}
        and customer_id is not null
    group by customer_id

),

customers as (

    select
        customer_id,
        created_at,
    from {{ ref('stg_holdfast__customers') }}
    where created_at < {{ holdfast.as_of_date() }}

),

features as (

    select
        customer_id,
        as_of,
        revenue_365d,
    from {{ ref('customer_features') }}

),

scores as (

    select *
    from {{ ref('churn_scores') }}
    where as_of = {{ holdfast.scoring_as_of() }}

),

-- a customer may have orders without being in the customers input, and the reverse
final as (

    select
        coalesce(customers.customer_id, orders.customer_id) as customer_id,
        {{ holdfast.as_of_date() }} as as_of_date,
        coalesce(customers.created_at, orders.first_order_at) as created_at,
        orders.first_order_at,
        orders.last_order_at,
        {{ holdfast.days_between('orders.last_order_at', as_of) }} as days_since_order,
        coalesce(orders.order_count, 0) as order_count,
        coalesce(orders.revenue, 0) as revenue,
        cast(features.revenue_365d as double) as revenue_365d,
        case
            when scores.status is not null then scores.status
            when orders.last_order_at is null then 'never_ordered'
            else 'inactive'
        end as status,
        scores.churn_probability,
        scores.churn_percentile,
        scores.risk_band,
        scores.reason_1,
        scores.reason_2,
        scores.reason_3,
        scores.churn_probability * greatest(features.revenue_365d, 0) as revenue_at_risk,
        scores.model_id,
        scores.scored_at,
    from customers
    full outer join orders on orders.customer_id = customers.customer_id
    left join scores on scores.customer_id = coalesce(customers.customer_id, orders.customer_id)
    left join features
        on features.customer_id = scores.customer_id
        and features.as_of = scores.as_of

)

select * from final
