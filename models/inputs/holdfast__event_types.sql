{{ config(enabled=holdfast.has_input('events') or holdfast.has_input('web_events'), materialized='table') }}
{#- each build chooses from its events and from the rows that are here: a type that has features keeps them -#}
{% set chosen = holdfast.choose_event_types() -%}
-- depends_on: {{ ref('holdfast', 'stg_holdfast__web_events') }}
-- depends_on: {{ ref('holdfast', 'stg_holdfast__events') }}
{% for type in chosen -%}
select
    cast({{ holdfast.text(type.source) }} as varchar) as source,
    cast({{ holdfast.text(type.event_type) if type.event_type is not none else 'null' }} as varchar) as event_type,
    cast({{ holdfast.text(type.feature_word) }} as varchar) as feature_word,
    cast({{ type.place }} as integer) as place,
    cast({{ holdfast.text(type.chosen_on) }} as date) as chosen_on,
{{ 'union all' if not loop.last }}
{% else -%}
select
    cast(null as varchar) as source,
    cast(null as varchar) as event_type,
    cast(null as varchar) as feature_word,
    cast(null as integer) as place,
    cast(null as date) as chosen_on,
where 1 = 0
{%- endfor %}
