{{ config(enabled=holdfast.has_system('service') and holdfast.has_input('support_tickets')) }}
-- the topic of each ticket as people name topics: stated in the input, or told from the text
{% set registry = ref('holdfast', 'holdfast__ticket_topic_model') -%}
{% set models = holdfast.topic_models(registry) | selectattr('stage', 'equalto', 'current') | list -%}
{#- sqlfluff cannot place what is empty, as this is without a model #}
-- noqa: disable=LT02,LT09
with

tickets as (

    select * from {{ ref('holdfast', 'holdfast__ticket_texts') }}

),

-- the same text is read once
different as (

    select distinct body
    from tickets
    where topic is null

),

read as materialized (

    select
        body,
        {% if models -%}
        {{ holdfast.assigned_topic(registry, models | map(attribute='model_id') | list, 'body') }} as found,
        {%- endif %}
    from different

),

named as (

    {% for model in models -%}
    {% for topic in model.topics -%}
    select
        cast({{ holdfast.text(model.model_id) }} as varchar) as model_id,
        {{ loop.index0 }} as cluster,
        cast({{ holdfast.text(topic) }} as varchar) as topic
    {{ 'union all' if not loop.last }}
    {% endfor -%}
    {{ 'union all' if not loop.last }}
    {% else -%}
    select
        cast(null as varchar) as model_id,
        cast(null as integer) as cluster,
        cast(null as varchar) as topic
    where 1 = 0
    {% endfor %}
),

told as (

    select
        body,
        {%- if models %}
        found.status,
        found.model_id,
        found.cluster,
        -- how texts are read together moves the last digits
        round(cast(found.certainty as double), 3) as certainty,
        {%- else %}
        cast(case when trim(coalesce(body, '')) = '' then 'empty' else 'no_model' end as varchar) as status,
        cast(null as varchar) as model_id,
        cast(null as integer) as cluster,
        cast(null as double) as certainty,
        {%- endif %}
    from read

),

final as (

    select
        tickets.ticket_id,
        tickets.customer_id,
        tickets.opened_at,
        {{ holdfast.as_of_date() }} as as_of_date,
        coalesce(tickets.topic, named.topic) as topic,
        cast(
            case
                when tickets.topic is not null then 'stated'
                when told.status = 'assigned' then 'predicted'
                -- of its words none is known, or there is next to none
                when told.status = 'other' then 'empty'
                else told.status
            end as varchar
        ) as status,
        case when told.status = 'assigned' then told.certainty end as probability,
        case when told.status = 'assigned' then told.model_id end as model_id,
    from tickets
    left join told
        on tickets.topic is null
        and told.body is not distinct from tickets.body
    left join named
        on told.status = 'assigned'
        and named.model_id = told.model_id
        and named.cluster = told.cluster

)

select * from final
