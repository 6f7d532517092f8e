-- the groups that a customer belongs to from the start, so that what came later can be compared between them
-- depends_on: {{ ref('holdfast', 'stg_holdfast__customers') }}, whose test says that a customer has one row
with

customers as (

    select
        customer_id,
        cohort_month,
        first_order_amount,
        first_channel,
    from {{ ref('holdfast', 'holdfast__customer_history') }}
    where first_order_at is not null

),

thirds as (

    select
        quantile_disc(first_order_amount, 1 / 3e0) as lower_third,
        quantile_disc(first_order_amount, 2 / 3e0) as upper_third,
    from customers

),

segments as (

    select
        customers.customer_id,
        customers.cohort_month,
        'first_order_value' as segment_by,
        case
            when customers.first_order_amount <= thirds.lower_third then 'low'
            when customers.first_order_amount <= thirds.upper_third then 'middle'
            else 'high'
        end as segment,
    from customers
    cross join thirds

    union all

    select
        customer_id,
        cohort_month,
        'first_channel' as segment_by,
        {{ holdfast.segment_of('first_channel', 'VARCHAR', 'customers') }} as segment,
    from customers
    where trim(first_channel) <> ''
    {%- for column in holdfast.customer_segment_columns() %}

    union all

    select
        customers.customer_id,
        customers.cohort_month,
        {{ holdfast.text(column.name) }} as segment_by,
        coalesce(attributes.segment, 'unknown') as segment,
    from customers
    left join (
        select
            customer_id,
            {{ column.segment }} as segment,
        from {{ holdfast.input_relation('customers') }}
    ) as attributes on attributes.customer_id = customers.customer_id
    {%- endfor %}

),

final as (

    select
        customer_id,
        cast(segment_by as varchar) as segment_by,
        cast(segment as varchar) as segment,
        cohort_month,
    from segments

)

select * from final
