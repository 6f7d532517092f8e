{{ config(enabled=holdfast.has_input('events')) }}
{#- the inputs, and which types of theirs have features; dbt reads the model even where there are none -#}
{% set sources = holdfast.event_inputs().keys() | list or ['events'] -%}
{% set aggregates = {} -%}
{% set recency = {} -%}
{% set columns = [] -%}
{% for source in sources -%}
    {% set of_source = holdfast.event_columns(source) -%}
    {% do aggregates.update(of_source.aggregates) -%}
    {% do recency.update(of_source.recency) -%}
    {% do columns.extend(of_source.columns) -%}
{% endfor -%}
with

-- types are told apart once for each event; everything after compares whole numbers
events as (

    select
        customer_id,
        occurred_at,
        loaded_at,
        source,
        event_type,
        value,
        case source
            {% for source in sources -%}
            when {{ holdfast.text(source) }} then {{ holdfast.event_slot('event_type', holdfast.kept_event_types(source)) }}
            {% endfor -%}
        end as event_slot,
    from {{ ref('holdfast', 'stg_holdfast__events') }}

),

counted as (

    {{ holdfast.feature_view(
        spine=ref('holdfast', 'holdfast__customer_spine'),
        events=api.Relation.create(identifier='events'),
        event_at='occurred_at',
        known_at='loaded_at',
        features=aggregates,
    ) | indent(4) }}

),

-- apart from the counts, which so read no more events than their longest window has
since as (

    {{ holdfast.feature_view(
        spine=ref('holdfast', 'holdfast__customer_spine'),
        events=api.Relation.create(identifier='events'),
        event_at='occurred_at',
        known_at='loaded_at',
        recency=recency,
    ) | indent(4) }}

),

final as (

    select
        counted.customer_id,
        counted.as_of,
        {%- for column in columns | sort(attribute='place') %}
        {{ column.sql }} as {{ holdfast.quoted(column.name) }},
        {%- endfor %}
    from counted
    inner join since
        on since.customer_id = counted.customer_id
        and since.as_of = counted.as_of

)

select * from final
