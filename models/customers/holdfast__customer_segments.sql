-- who bought lately, often and much: recency by the lifecycle, frequency and money by fifths
{% set as_of = 'cast(' ~ holdfast.as_of_date() ~ ' as timestamp)' -%}
{% set horizon_days = holdfast.setting('churn_horizon_days') -%}
with

lifecycle as (

    select
        customer_id,
        state,
        expected_next_order_at,
    from {{ ref('holdfast', 'holdfast__customer_lifecycle') }}
    where
        left_at is null
        and churn_definition = 'non_contractual'

),

customers as (

    select
        history.customer_id,
        cast({{ holdfast.days_between('history.last_order_at', as_of) }} as bigint) as days_since_order,
        history.order_count,
        history.revenue,
        lifecycle.state,
        lifecycle.expected_next_order_at,
    from {{ ref('holdfast', 'holdfast__customer_history') }} as history
    inner join lifecycle on lifecycle.customer_id = history.customer_id
    where history.first_order_at is not null

),

-- customers that are equal get equal scores, the lower one, so that one purchase is little however many made just one
ranked as (

    select
        *,
        count(*) over () as customer_count,
        rank() over (order by order_count asc nulls last) as frequency_rank,
        rank() over (order by revenue asc nulls last) as monetary_rank,
    from customers

),

scored as (

    select
        *,
        case
            when state = 'lapsed' then case when days_since_order < {{ 2 * horizon_days }} then 2 else 1 end
            when state = 'slipping' then 3
            when expected_next_order_at >= {{ as_of }} then 5
            else 4
        end as recency_score,
        cast(1 + floor(5 * (frequency_rank - 1) / cast(customer_count as double)) as integer) as frequency_score,
        cast(1 + floor(5 * (monetary_rank - 1) / cast(customer_count as double)) as integer) as monetary_score,
    from ranked

),

weighed as (

    select
        *,
        cast(floor((frequency_score + monetary_score) / 2e0) as integer) as value_score,
    from scored

),

final as (

    select
        customer_id,
        {{ holdfast.as_of_date() }} as as_of_date,
        cast(state as varchar) as lifecycle_state,
        days_since_order,
        order_count,
        revenue,
        cast(recency_score as integer) as recency_score,
        frequency_score,
        monetary_score,
        value_score,
        cast({{ holdfast.rfm_segment_of() }} as varchar) as segment,
    from weighed

)

select * from final
