{{ config(enabled=holdfast.has_system('offers')) }}
-- the limits under which offers are chosen; what has no limit has no row
{% set budget = holdfast.setting('offer_budget') -%}
{% set contacts = {none: holdfast.setting('contact_budget')} -%}
{% do contacts.update(holdfast.setting('segment_budgets')) -%}
with

customers as (

    {{ holdfast.all_customers() | indent(4) }}

),

segments as (

    select
        customers.customer_id,
        segments.segment,
    from customers
    left join {{ ref('holdfast', 'holdfast__customer_segments') }} as segments
        on segments.customer_id = customers.customer_id

),

limits as (

    select
        'offer' as kind,
        cast(offer_id as varchar) as name,
        floor(greatest(cast(max_customers as double), 0e0)) as amount,
    from {{ ref('holdfast', 'stg_holdfast__offers') }}
    where max_customers is not null
    {%- if budget is not none %}

    union all

    select
        'budget' as kind,
        cast(null as varchar) as name,
        cast({{ budget }} as double) as amount,
    {%- endif %}
    {%- for segment, most in contacts.items() %}

    union all

    select
        {{ holdfast.text('contacts' if segment is none else 'segment') }} as kind,
        {{ 'cast(null as varchar)' if segment is none else holdfast.text(segment) }} as name,
        {% if 0 < most < 1 -%}
        floor(cast(count(*) as double) * {{ most }} + 1e-9) as amount,
        {%- else -%}
        cast({{ most }} as double) as amount,
        {%- endif %}
    {%- if 0 < most < 1 %}
    from segments
    {%- if segment is not none %}
    where segment = {{ holdfast.text(segment) }}
    {%- endif %}
    {%- endif %}
    {%- endfor %}

),

final as (

    select
        cast(kind as varchar) as kind,
        cast(name as varchar) as name,
        cast(amount as double) as amount,
    from limits

)

select * from final
