{{ config(enabled=holdfast.has_system('service')) }}
-- every topic that was ever learned, as it was last, with what people have said of it
{% set models = holdfast.topic_models(ref('holdfast', 'holdfast__support_topic_model')) -%}
{% set topics = {} -%}
{#- those in use last: a build of a past day may use a model that is older than others with the same topics -#}
{% for stage in ['archived', 'current'] -%}
{% for model in models | selectattr('stage', 'equalto', stage) -%}
{% for topic in model.topics -%}
{% do topics.update({topic.topic_id: dict(topic, model=model)}) -%}
{% endfor -%}
{% endfor -%}
{% endfor -%}
with

learned as (

    {% for topic_id, topic in topics.items() -%}
    {% set is_current = topic.model.stage == 'current' -%}
    select
        cast({{ holdfast.text(topic_id) }} as varchar) as topic_id,
        cast({{ holdfast.text(topic.topic) }} as varchar) as topic,
        cast({{ holdfast.text(topic.terms | join(', ')) if topic.terms else 'null' }} as varchar) as terms,
        cast({{ holdfast.text(topic.model.script) }} as varchar) as script,
        cast({{ holdfast.text(topic.model.model_id) }} as varchar) as model_id,
        cast({{ topic.cluster if is_current else 'null' }} as integer) as cluster
    {{ 'union all' if not loop.last }}
    {% else -%}
    select
        cast(null as varchar) as topic_id,
        cast(null as varchar) as topic,
        cast(null as varchar) as terms,
        cast(null as varchar) as script,
        cast(null as varchar) as model_id,
        cast(null as integer) as cluster
    where 1 = 0
    {% endfor %}
),

rules as (

    select
        topic_id,
        max(case when action = 'rename' then nullif(value, '') end) as name,
        max(case when action = 'merge' and value != topic_id then value end) as merged_into,
        max(case when action = 'pin' then 1 else 0 end) as is_pinned,
    from {{ ref('holdfast', 'holdfast__support_topic_rules') }}
    group by topic_id

),

-- a topic that is merged into an unknown one, or in a circle, stays as it is; of mergers in a row, three are followed
targets as (

    select
        rules.topic_id,
        rules.merged_into,
    from rules
    inner join learned on learned.topic_id = rules.merged_into

),

followed as (

    select
        first.topic_id,
        coalesce(third.merged_into, second.merged_into, first.merged_into) as merged_into,
    from targets as first
    left join targets as second on second.topic_id = first.merged_into
    left join targets as third on third.topic_id = second.merged_into

),

mergers as (

    select
        followed.topic_id,
        followed.merged_into,
    from followed
    left join targets on targets.topic_id = followed.merged_into
    where targets.topic_id is null

),

final as (

    select
        learned.topic_id,
        coalesce(rules.name, learned.topic) as topic,
        learned.terms,
        learned.script,
        learned.model_id,
        learned.cluster,
        coalesce(mergers.merged_into, learned.topic_id) as shown_as,
        coalesce(rules.is_pinned, 0) = 1 as is_pinned,
        rules.name is not null as is_renamed,
    from learned
    left join rules on rules.topic_id = learned.topic_id
    left join mergers on mergers.topic_id = learned.topic_id

)

select * from final
