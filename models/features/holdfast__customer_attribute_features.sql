{{ config(enabled=holdfast.has_input('customers')) }}
{#- Attributes hold no history: today's value is taken as the value at every as_of. -#}
{% set attributes = var('holdfast_customer_attributes', []) -%}
{% set relation = holdfast.input_relation('customers') if attributes else none -%}
{% if attributes is string or attributes is mapping or attributes is not sequence -%}
    {% do exceptions.raise_compiler_error(
        'The var `holdfast_customer_attributes` must be a list of columns of the customers input; got: ' ~ attributes
    ) -%}
{% endif -%}
{% set columns = holdfast.attribute_columns(attributes, relation) if execute and attributes else [] -%}
with

spine as (

    select
        customer_id,
        as_of,
    from {{ ref('holdfast', 'holdfast__customer_spine') }}

),

customers as (

    select * from {{ ref('holdfast', 'stg_holdfast__customers') }}

),
{%- if attributes %}

attributes as (

    select * from {{ relation }}

),
{%- endif %}

final as (

    select
        spine.customer_id,
        spine.as_of,
        {% for column in columns -%}
        {{ column.sql }} as {{ holdfast.quoted(column.name) }},
        {% endfor -%}
        {{ holdfast.days_between('customers.created_at', 'spine.as_of') }} as attribute_tenure_days,
    from spine
    -- a customer may order before registering; then the registration is not known yet
    left join customers
        on customers.customer_id = spine.customer_id
        and customers.created_at < spine.as_of
    {%- if attributes %}
    left join attributes on attributes.customer_id = spine.customer_id
    {%- endif %}

)

select * from final
