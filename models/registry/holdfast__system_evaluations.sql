{{ config(materialized='view') }}
-- how good the systems are that are no tasks, on time that they had not seen, beside what they must beat
{% set names = ['value', 'value_baseline', 'next_purchase'] -%}
{% if holdfast.has_system('timing') -%}
{% set names = names + ['contact_timing', 'replenishment'] -%}
{% endif -%}
{% if holdfast.has_system('recommendations') -%}
{% set names = names + ['recommendation'] -%}
{% endif -%}
{% if holdfast.has_system('offers') -%}
{% set names = names + ['offer_uplift'] -%}
{% endif -%}
{% if holdfast.has_system('service') and holdfast.has_input('support_tickets') -%}
{% set names = names + ['ticket_topic'] -%}
{% endif -%}
with

final as (

    {% for name in names -%}
    select
        figures.task,
        figures.algorithm,
        figures.stage,
        figures.split,
        figures.as_of,
        figures.segment,
        figures.metric,
        figures.value,
        figures.lower,
        figures.upper,
        figures.row_count,
    from {{ holdfast.evaluations_of(name) }} as figures
    {{ 'union all' if not loop.last }}
    {% endfor %}
)

select * from final
