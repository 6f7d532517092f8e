-- who bought lately, often and much: fifths by recency, frequency and money, and the segments they make
with

customers as (

    select
        customer_id,
        cast({{ holdfast.days_between('last_order_at', 'cast(' ~ holdfast.as_of_date() ~ ' as timestamp)') }} as bigint)
            as days_since_order,
        order_count,
        revenue,
    from {{ ref('holdfast', 'holdfast__customer_history') }}
    where first_order_at is not null

),

-- customers that are equal get equal scores: in recency the better one, in the others the lower one, so that
-- whoever bought yesterday counts as recent and one purchase is little, however many customers made just one
ranked as (

    select
        *,
        count(*) over () as customer_count,
        count(*) over (order by days_since_order desc nulls last range between unbounded preceding and current row)
            as recency_rank,
        rank() over (order by order_count asc nulls last) as frequency_rank,
        rank() over (order by revenue asc nulls last) as monetary_rank,
    from customers

),

scored as (

    select
        *,
        cast(ceil(5 * recency_rank / cast(customer_count as double)) as integer) as recency_score,
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

-- the 25 pairs of recency and value, each in one segment
final as (

    select
        customer_id,
        {{ holdfast.as_of_date() }} as as_of_date,
        days_since_order,
        order_count,
        revenue,
        recency_score,
        frequency_score,
        monetary_score,
        value_score,
        case
            when recency_score + value_score >= 9 then 'Champions'
            when recency_score >= 3 and value_score >= 4 then 'Loyal customers'
            when recency_score >= 4 and value_score >= 2 then 'Potential loyalists'
            when recency_score = 5 then 'New customers'
            when recency_score = 4 then 'Promising'
            when recency_score = 3 and value_score = 3 then 'Need attention'
            when recency_score = 3 then 'About to sleep'
            when recency_score = 1 and value_score >= 4 then 'Cannot lose them'
            when value_score >= 3 then 'At risk'
            when recency_score = 2 then 'Hibernating'
            else 'Lost'
        end as segment,
    from weighed

)

select * from final
