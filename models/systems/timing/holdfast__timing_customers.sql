-- every customer of customer_retention, with the clock that the customer goes by
{{ config(enabled=holdfast.has_system('timing')) }}

{% set as_of = 'cast(' ~ holdfast.as_of_date() ~ ' as timestamp)' -%}
{#- the first column of `holdfast_segments` that describes customers: those are known at every date, unlike features -#}
{% set segments = holdfast.customer_segment_columns()[:1] if holdfast.setting('segments') else [] -%}
with

registered as (

    select
        customer_id,
        max(lower(trim(time_zone))) as told_time_zone,
    from {{ ref('holdfast', 'stg_holdfast__customers') }}
    where created_at < {{ as_of }}
    group by customer_id

),

customers as (

    {{ holdfast.all_customers() | indent(4) }}

),

time_zones as (

    select
        lower(time_zone) as told_time_zone,
        min(time_zone) as time_zone,
    from (
        {{ holdfast.time_zone_names() | indent(8) }}
    ) as names
    group by lower(time_zone)

),

{% if segments -%}
segments as (

    select
        customer_id,
        {{ segments[0].segment }} as segment,
    from {{ holdfast.input_relation('customers') }}

),

{% endif -%}
final as (

    select
        customers.customer_id,
        coalesce(time_zones.time_zone, {{ holdfast.text(holdfast.setting('time_zone')) }}) as time_zone,
        case
            when time_zones.time_zone is not null then 'customer'
            when coalesce(registered.told_time_zone, '') = '' then 'setting'
            else 'not_recognised'
        end as time_zone_source,
        {{ 'segments.segment' if segments else 'cast(null as varchar)' }} as segment,
    from customers
    left join registered on registered.customer_id = customers.customer_id
    left join time_zones on time_zones.told_time_zone = registered.told_time_zone
    {%- if segments %}
    left join segments on segments.customer_id = customers.customer_id
    {%- endif %}

)

select * from final
