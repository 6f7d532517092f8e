{{ config(enabled=holdfast.has_input('customers')) }}
{#- Attributes hold no history: today's value is taken as the value at every as_of. -#}
{% set attributes = var('holdfast_customer_attributes', []) -%}
{% set relation = holdfast.input_relation('customers') if attributes else none -%}
{% if attributes is string or attributes is mapping or attributes is not sequence -%}
    {% do exceptions.raise_compiler_error(
        'The var `holdfast_customer_attributes` must be a list of columns of the customers input; got: ' ~ attributes
    ) -%}
{% endif -%}
{% if execute and attributes -%}
    {% set types = holdfast._column_types(relation) -%}
    {% for attribute in attributes -%}
        {% set type = types.get(attribute | lower) -%}
        {% if type is none -%}
            {% do exceptions.raise_compiler_error(
                'The var `holdfast_customer_attributes` names ' ~ attribute ~ ', but the relation in `holdfast_customers` ('
                ~ relation ~ ') has only ' ~ types.keys() | join(', ') ~ '.'
            ) -%}
        {% elif modules.re.match('(U?(TINY|SMALL|BIG|HUGE)?INT(EGER)?|DECIMAL|NUMERIC|FLOAT|DOUBLE|REAL|LONG|SHORT|BYTE|BOOL)', type) is none -%}
            {% do exceptions.raise_compiler_error(
                'The var `holdfast_customer_attributes` names ' ~ attribute ~ ', which is ' ~ type ~ ': models take numbers '
                ~ 'and booleans only. Encode it in the relation of `holdfast_customers`, for example one boolean column '
                ~ "per value (country = 'NL' as is_dutch), and name those."
            ) -%}
        {% endif -%}
    {% endfor -%}
{% endif -%}
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
        {% for attribute in attributes -%}
        {% set value = 'attributes.' ~ holdfast.quoted(attribute) -%}
        {% set is_float = execute and holdfast._is_float_type(types[attribute | lower]) -%}
        {{ 'case when isfinite(' ~ value ~ ') then ' ~ value ~ ' end' if is_float else value }} as {{ holdfast.quoted('attribute_' ~ attribute) }},
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
