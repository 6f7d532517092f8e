{{ config(enabled=holdfast.has_system('service'), materialized='view') }}
-- tickets as known at the as-of date, with their texts and the topics that people have given them
{% set as_of = 'cast(' ~ holdfast.as_of_date() ~ ' as timestamp)' -%}
{% set times = holdfast.event_times() -%}
select
    ticket_id,
    customer_id,
    opened_at,
    {% if 'topic' in holdfast.personal_columns('support_tickets') -%}
    -- marked as personal in the input, so it is not read either
    cast(null as varchar) as topic,
    {%- else -%}
    nullif(trim(topic), '') as topic,
    {%- endif %}
    body,
from {{ holdfast.as_known_at(
    ref('holdfast', 'stg_holdfast__support_tickets'), times['stg_holdfast__support_tickets'], as_of
) }} as tickets
