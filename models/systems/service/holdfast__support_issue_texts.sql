{{ config(enabled=holdfast.has_system('service')) }}
-- which topic each ticket and each comment is about
{% set registry = ref('holdfast', 'holdfast__support_topic_model') -%}
{% set current = holdfast.topic_models(registry) | selectattr('stage', 'equalto', 'current') -%}
{% set models = current | map(attribute='model_id') | list -%}
{#- sqlfluff cannot place what is empty, as this is without a model #}
-- noqa: disable=LT02,LT09
with

texts as (

    select * from {{ ref('holdfast', 'holdfast__support_texts') }}

),

topics as (

    select * from {{ ref('holdfast', 'holdfast__support_topics') }}
    where cluster is not null

),

-- the same text is read once
different as (

    select distinct body from texts

),

read as materialized (

    select
        body,
        {% if models -%}
        {{ holdfast.assigned_topic(registry, models, 'body') }} as found,
        {%- endif %}
    from different

),

assigned as (

    select
        body,
        {%- if models %}
        {%- for field in ['model_id', 'cluster', 'certainty', 'status'] %}
        found.{{ field }},
        {%- endfor %}
        {%- else %}
        cast(null as varchar) as model_id,
        cast(null as integer) as cluster,
        0e0 as certainty,
        case when trim(coalesce(body, '')) = '' then 'empty' else 'no_model' end as status,
        {%- endif %}
    from read

),

final as (

    select
        texts.source,
        texts.text_id,
        texts.customer_id,
        texts.written_at,
        {{ holdfast.as_of_date() }} as as_of_date,
        case when assigned.status = 'assigned' then topics.shown_as else 'other' end as topic_id,
        assigned.status,
        -- how texts are read together moves the last digits
        round(cast(assigned.certainty as double), 3) as certainty,
        assigned.model_id,
    from texts
    inner join assigned on assigned.body is not distinct from texts.body
    left join topics
        on topics.model_id = assigned.model_id
        and topics.cluster = assigned.cluster

)

select * from final
