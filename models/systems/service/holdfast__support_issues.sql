{{ config(enabled=holdfast.has_system('service')) }}
-- what customers write about, with readable names
{% set registry = ref('holdfast', 'holdfast__support_topic_model') -%}
{% set current = holdfast.topic_models(registry) | selectattr('stage', 'equalto', 'current') -%}
{% set models = current | map(attribute='model_id') | list -%}
{#- sqlfluff sees no use of a part that is used with a model only #}
-- noqa: disable=ST03
with

assigned as (

    select * from {{ ref('holdfast', 'holdfast__support_issue_texts') }}

),

topics as (

    select
        topic_id,
        topic,
        terms,
        script,
        model_id,
        case
            when shown_as != topic_id then 'gone'
            when cluster is null and not is_pinned then 'gone'
            else 'current'
        end as status,
    from {{ ref('holdfast', 'holdfast__support_topics') }}

    union all

    select
        'other' as topic_id,
        'Other' as topic,
        cast(null as varchar) as terms,
        cast(null as varchar) as script,
        cast(null as varchar) as model_id,
        'current' as status,

),

counted as (

    select
        topic_id,
        count(*) as texts,
        count(distinct customer_id) as customers,
        count(*) filter (where status != 'empty') as written,
        min(written_at) as first_seen_at,
        max(written_at) as last_seen_at,
    from assigned
    group by topic_id

),

total as (

    select count(*) as written
    from assigned
    where status != 'empty'

),

-- the nearest text of a topic, where enough customers wrote on it
ranked as (

    select
        assigned.topic_id,
        assigned.model_id,
        texts.body,
        row_number() over (
            partition by assigned.topic_id
            order by
                assigned.certainty desc nulls last, assigned.written_at desc nulls last, assigned.source asc nulls last,
                assigned.text_id asc nulls last
        ) as place,
    from assigned
    inner join {{ ref('holdfast', 'holdfast__support_texts') }} as texts
        on texts.source = assigned.source
        and texts.text_id = assigned.text_id
    inner join counted on counted.topic_id = assigned.topic_id
    where
        assigned.status = 'assigned'
        and counted.customers >= {{ holdfast.setting('least_group') }}

),

typical as (

    {% for model_id in models -%}
    select
        topic_id,
        {{ holdfast.masked_text(registry, model_id, 'body') }} as typical_text,
    from ranked
    where
        place = 1
        and model_id = {{ holdfast.text(model_id) }}
    {{ 'union all' if not loop.last }}
    {% else -%}
    select
        cast(null as varchar) as topic_id,
        cast(null as varchar) as typical_text,
    where 1 = 0
    {% endfor %}
),

final as (

    select
        topics.topic_id,
        topics.topic,
        topics.terms,
        typical.typical_text,
        topics.script,
        topics.status,
        coalesce(counted.texts, 0) as texts,
        coalesce(counted.customers, 0) as customers,
        coalesce(cast(counted.written as double) / cast(nullif(total.written, 0) as double), 0e0) as share,
        counted.first_seen_at,
        counted.last_seen_at,
        {{ holdfast.as_of_date() }} as as_of_date,
        topics.model_id,
    from topics
    cross join total
    left join counted on counted.topic_id = topics.topic_id
    left join typical on typical.topic_id = topics.topic_id

)

select * from final
