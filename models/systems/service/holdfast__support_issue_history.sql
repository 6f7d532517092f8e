{{ config(
    enabled=holdfast.has_system('service'),
    materialized='incremental',
    incremental_strategy='append',
    on_schema_change='append_new_columns',
    full_refresh=holdfast.setting('reset'),
) }}
-- what has happened to topics: a row, once written, stays
{% set events = [] -%}
{% for model in holdfast.topic_models(ref('holdfast', 'holdfast__support_topic_model'), with_events=true) -%}
{% set names = {} -%}
{% for topic in model.topics -%}
{% do names.update({topic.topic_id: topic.topic}) -%}
{% endfor -%}
{% for event in model.events -%}
{% do events.append(dict(event, model=model, name=names.get(event.topic_id))) -%}
{% endfor -%}
{% endfor -%}
{#- sqlfluff cannot place conditions of a build that adds rows #}
-- noqa: disable=LT02
with

learned as (

    {% for event in events -%}
    select
        cast({{ holdfast.text(event.topic_id) }} as varchar) as topic_id,
        cast({{ holdfast.text(event.model.as_of_date) }} as date) as happened_on,
        cast({{ holdfast.text(event.event) }} as varchar) as event,
        cast({{ 'null' if event.other_topic_id is none else holdfast.text(event.other_topic_id) }} as varchar) as other_topic_id,
        cast({{ holdfast.text((event.name ~ ': ' if event.name else '') ~ event.texts ~ ' different texts') }} as varchar) as note,
        cast({{ holdfast.text(event.model.model_id) }} as varchar) as model_id
    {{ 'union all' if not loop.last }}
    {% else -%}
    select
        cast(null as varchar) as topic_id,
        cast(null as date) as happened_on,
        cast(null as varchar) as event,
        cast(null as varchar) as other_topic_id,
        cast(null as varchar) as note,
        cast(null as varchar) as model_id
    where 1 = 0
    {% endfor %}
),

topics as (

    select * from {{ ref('holdfast', 'holdfast__support_topics') }}

),

ruled as (

    select
        topic_id,
        {{ holdfast.as_of_date() }} as happened_on,
        'renamed' as event,
        cast(null as varchar) as other_topic_id,
        topic as note,
        cast(null as varchar) as model_id,
    from topics
    where is_renamed

    union all

    select
        topic_id,
        {{ holdfast.as_of_date() }} as happened_on,
        'merged' as event,
        shown_as as other_topic_id,
        'by a rule' as note,
        cast(null as varchar) as model_id,
    from topics
    where shown_as != topic_id

),

{% if is_incremental() -%}
former as (

    select * from {{ this }}

),

-- what a rule has said once, it says in every build
new_rules as (

    select ruled.*
    from ruled
    left join (
        select
            topic_id,
            event,
            other_topic_id,
            {{ holdfast.value_at_max('note', '(happened_on, note)') }} as note,
        from former
        where model_id is null
        group by topic_id, event, other_topic_id
    ) as said
        on said.topic_id = ruled.topic_id
        and said.event = ruled.event
        and said.other_topic_id is not distinct from ruled.other_topic_id
    where said.note is distinct from ruled.note

),

{% endif -%}
events as (

    select *
    from learned

    union all

    select *
    from {{ 'new_rules' if is_incremental() else 'ruled' }}

),

-- topics that are learned twice on a day have happened once
numbered as (

    select
        *,
        row_number() over (
            partition by topic_id, happened_on, event, other_topic_id
            order by model_id asc nulls last, note asc nulls last
        ) as place,
    from events

),

final as (

    select
        numbered.topic_id,
        numbered.happened_on,
        numbered.event,
        numbered.other_topic_id,
        numbered.note,
        numbered.model_id,
    from numbered
    {% if is_incremental() -%}
    left join former
        on former.topic_id = numbered.topic_id
        and former.happened_on = numbered.happened_on
        and former.event = numbered.event
        and former.other_topic_id is not distinct from numbered.other_topic_id
    {%- endif %}
    where
        numbered.place = 1
        {% if is_incremental() -%}
        and former.topic_id is null
        {%- endif %}

)

select * from final
