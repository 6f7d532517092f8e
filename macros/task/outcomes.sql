{#-
  The select of what came of a task's scores: a row per scored customer and as_of whose horizon is over, kept from then on.
  `labels` is the SQL of the task's labels with `scored_rows(task)` as its spine; by default that of the declared `event`.

  Observation dates leave the spine, and a build scores its own day, which the calendar grid does not have: so outcomes
  are computed for the rows that were scored, not taken from the table of labels. A score whose model was trained for
  another horizon than the labels have now has no outcome here (`any_horizon=true` lets it through). What was predicted
  is `probability`, or `predicted_value` of a regression.
-#}
{% macro outcomes(task, labels=none, any_horizon=false) %}
    {%- do holdfast._takes_a_task('outcomes', task, kwargs) -%}
    {%- set labels = labels or holdfast.labels(task, spine=holdfast.scored_rows(task)) -%}
    {%- set task = holdfast.task(task) -%}
    {%- set keys = holdfast._quoted(task.entity) -%}
    {%- set label = holdfast.quoted(task.label) -%}
    {{- config(
        materialized='incremental',
        unique_key='as_of',
        on_schema_change='append_new_columns',
        full_refresh=holdfast.setting('reset'),
        pre_hook="{{ holdfast.widen_columns() }}",
    ) -}}
with

scores as (

    select * from {{ holdfast.task_step(task, 'scores') }}

),

registry as (

    select
        model_id,
        cast({{ holdfast.json_text('parameters', 'lead_days') }} as integer)
        + cast({{ holdfast.json_text('parameters', 'horizon_days') }} as integer) as horizon_days,
    from {{ holdfast.task_step(task, 'model') }}

),

labels as (

    select * from ({{ labels }})

),

final as (

    select
        {{ holdfast._key_list('scores.', keys) }}
        scores.as_of,
        scores.model_id,
        scores.{{ task.score_column }} as {{ task.predicted_column }},
        labels.{{ label }},
        labels.horizon_ends_at,
        scores.scored_at,
    from labels
    inner join scores
        on {{ holdfast._same_keys('scores', 'labels', keys + ['as_of']) }}
    inner join registry on registry.model_id = scores.model_id
    where
        labels.is_mature
        and labels.{{ label }} is not null
        {%- if not any_horizon %}
        and labels.horizon_ends_at = {{ holdfast.plus_days('scores.as_of', 'registry.horizon_days') }}
        {%- endif %}

)

select * from final
{%- endmacro %}
