{#-
  The select of a task's scores: one row per customer of the spine at the build's as-of date, scored by the champion of
  `<task>_model`, with the reasons of `<task>_reasons` unless the task is shipped without; or, while there is no champion, by
  the fallback, which has no reasons. The table keeps its history: a build rewrites its own date only.
  The score is <task>_probability, or <task>_value of a regression; whom the task is not about has the status not_eligible.
-#}
{% macro scores(task) %}
    {%- do holdfast._takes_a_task('scores', task, kwargs) -%}
    {%- set task = holdfast.task(task) -%}
    {{- config(
        materialized='incremental',
        unique_key='as_of',
        on_schema_change='append_new_columns',
        full_refresh=holdfast.setting('reset'),
        pre_hook="{{ holdfast.widen_columns() }}",
    ) -}}
    {%- set registry = holdfast.task_step(task, 'model') -%}
    {%- set features = holdfast.task_features(task) -%}
    {%- set keys = holdfast._quoted(task.entity) -%}
    {%- set scorer = holdfast.scorer(registry) -%}
    {%- set score = task.score_column -%}
    {%- if execute and task.name == 'churn' and flags.WHICH in ['compile', 'generate'] and holdfast.setting('reset') -%}
        {#- no hook runs that could say so -#}
        {%- do holdfast.tell_no_reset() -%}
    {%- endif -%}
    {%- if is_incremental() -%}
        {%- do holdfast._check_key_types(this, features, task.entity) -%}
    {%- endif -%}
    {%- set probability = holdfast.model_probability(registry, scorer, features) if scorer else 'null' -%}
    {%- set status = 'no_model' if not scorer else 'scored_by_fallback' if scorer.is_fallback else 'scored' -%}
with

latest as (

    select
        *,
        {{ holdfast.has_enough_history('features', task) }} as has_enough_history,
        {{ holdfast.is_eligible(task) }} as is_eligible,
    from {{ features }} as features
    where as_of = {{ holdfast.scoring_as_of() }}

),

scored as (

    select
        {{ holdfast._key_list('', keys) }}
        cast({{ probability }} as double) as {{ score }},
    from latest
    where
        has_enough_history
        and is_eligible

),

{% if task.has_reasons -%}
reasons as (

    select
        {{ holdfast._key_list('', keys) }}
        max(reason) filter (where rank = 1) as reason_1,
        max(reason) filter (where rank = 2) as reason_2,
        max(reason) filter (where rank = 3) as reason_3,
    from {{ holdfast.task_step(task, 'reasons') }}
    group by {{ keys | join(', ') }}

),

{% endif -%}
ranked as (

    select
        *,
        percent_rank() over (order by {{ score }} asc nulls last) as {{ task.name }}_percentile,
    from scored

),

final as (

    select
        {{ holdfast._key_list('latest.', keys) }}
        latest.as_of,
        cast(latest.as_of as date) as as_of_date,
        cast({{ holdfast.text(scorer.model_id) if scorer else 'null' }} as varchar) as model_id,
        case
            when not latest.is_eligible then 'not_eligible'
            when not latest.has_enough_history then 'not_enough_history'
            else {{ holdfast.text(status) }}
        end as status,
        ranked.{{ score }},
        case when ranked.{{ score }} is not null then ranked.{{ task.name }}_percentile end as {{ task.name }}_percentile,
        {%- if task.bands %}
        case
            when ranked.{{ score }} >= {{ task.bands.high }} then 'high'
            when ranked.{{ score }} >= {{ task.bands.medium }} then 'medium'
            when ranked.{{ score }} is not null then 'low'
        end as {{ holdfast.quoted(task.band_column) }},
        {%- endif %}
        {%- if task.has_reasons %}
        reasons.reason_1,
        reasons.reason_2,
        reasons.reason_3,
        {%- endif %}
        cast({{ holdfast.as_utc(dbt.current_timestamp()) }} as timestamp) as scored_at,
    from latest
    left join ranked on {{ holdfast._same_keys('ranked', 'latest', keys) }}
    {%- if task.has_reasons %}
    left join reasons on {{ holdfast._same_keys('reasons', 'latest', keys) }}
    {%- endif %}

)

select * from final
{%- endmacro %}


{#- Refuses ids that have become text, or numbers, since a table with history was begun: the same customers would be others. -#}
{% macro _check_key_types(history, now, entity) %}
    {%- for key in entity -%}
        {%- set types = [] -%}
        {%- for relation in [history, now] -%}
            {%- for column in adapter.get_columns_in_relation(relation) if column.name | lower == key | lower -%}
                {%- do types.append(column) -%}
            {%- endfor -%}
        {%- endfor -%}
        {%- if types | length == 2 and types[0].is_string() != types[1].is_string() -%}
            {%- do exceptions.raise_compiler_error(
                key ~ ' is ' ~ types[1].dtype ~ ' now, and ' ~ types[0].dtype ~ ' in ' ~ history ~ ', which keeps the scores of '
                ~ 'earlier builds. Cast it to ' ~ types[0].dtype ~ ' in your inputs, or start over, which deletes all earlier models, scores and '
                ~ "evaluations: dbt build --full-refresh --vars '{holdfast_reset: true}'."
            ) -%}
        {%- endif -%}
    {%- endfor -%}
{% endmacro %}
