{#-
  The scored rows of a task (customer_id, as_of) whose outcome `outcomes` has to look up: the horizon of the model that
  scored is over, and the outcome was not kept yet, is so young that late rows may change it, or the date was scored
  anew. A subquery, to be the spine of the task's labels.
-#}
{% macro scored_rows(task) %}
    {%- do holdfast._takes_a_task('scored_rows', task, kwargs) -%}
    {%- set task = holdfast.task(task) -%}
    {%- set scores = holdfast.task_step(task, 'scores') -%}
    {%- set days = 'cast(' ~ holdfast.json_text('registry.parameters', 'lead_days') ~ ' as integer) + cast('
        ~ holdfast.json_text('registry.parameters', 'horizon_days') ~ ' as integer)' -%}
    {%- set known_until = holdfast.known_until() -%}
(
        select
            {{ holdfast._key_list('', holdfast._quoted(task.entity)) }}
            as_of,
        from {{ scores }}
        where
            status in ('scored', 'scored_by_fallback')
            and as_of in (
                select scores.as_of
                from {{ scores }} as scores
                inner join {{ holdfast.task_step(task, 'model') }} as registry on registry.model_id = scores.model_id
                where
                    scores.status in ('scored', 'scored_by_fallback')
                    and {{ holdfast.plus_days('scores.as_of', days) }} <= {{ known_until }}
                    {%- if is_incremental() %}
                    and (
                        {{ holdfast.plus_days('scores.as_of', days ~ ' + ' ~ holdfast.setting('lookback_days')) }} > {{ known_until }}
                        or (scores.as_of, scores.model_id, scores.scored_at) not in (
                            select (as_of, model_id, scored_at) from {{ this }}
                        )
                    )
                    {%- endif %}
            )
    )
{%- endmacro %}
