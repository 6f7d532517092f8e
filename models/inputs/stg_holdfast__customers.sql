{% if holdfast.input_relation('customers') is none and not holdfast.is_demo() %}

-- no customers input: a customer begins with the first row in orders
with

orders as (

    select * from {{ ref('holdfast', 'stg_holdfast__orders') }}

),

final as (

    select
        customer_id,
        min(ordered_at) as created_at,
        cast(null as varchar) as acquisition_channel,
        cast(null as varchar) as time_zone,
    from orders
    where customer_id is not null
    group by customer_id

)

select * from final

{% else %}

{{ holdfast.stage_input('customers', columns={
    'customer_id': {'type': 'id', 'required': true},
    'created_at': {'type': 'timestamp', 'required': true},
    'acquisition_channel': {'type': 'text'},
    'time_zone': {'type': 'text'},
}) }}

{% endif %}
