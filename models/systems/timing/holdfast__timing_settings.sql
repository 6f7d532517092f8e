-- how much of a customer's own habit to believe: tried on the days before the as-of date, by what was known before
{{ config(enabled=holdfast.has_system('timing')) }}

with

moments as (

    select cast({{ holdfast.as_of_date() }} as timestamp) as settled_at

),

sampled as (

    {{ holdfast.timing_sample() | indent(4) }}

),

hours as (

    select hours.*
    from {{ ref('holdfast', 'holdfast__activity_hours') }} as hours
    inner join sampled on sampled.customer_id = hours.customer_id

),

activity as (

    {{ holdfast.timing_activity('hour', 'hours') | indent(4) }}

    union all

    {{ holdfast.timing_activity('weekday', 'hours') | indent(4) }}

),

final as (

    {{ holdfast.timing_choices('moments', 'activity') | indent(4) }}

)

select * from final
