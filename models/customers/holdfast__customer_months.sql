-- what each customer bought in each month
with

final as (

    select
        customer_id,
        cast(date_trunc('month', ordered_at) as date) as month,
        count(*) filter (where amount > 0) as order_count,
        cast(sum(amount) as decimal(38, 4)) as revenue,
    from {{ ref('holdfast', 'stg_holdfast__orders') }}
    where
        ordered_at < {{ holdfast.as_of_date() }}
        and customer_id is not null
    group by customer_id, cast(date_trunc('month', ordered_at) as date)

)

select * from final
