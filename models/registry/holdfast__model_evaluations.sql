{{ config(
    materialized='incremental',
    unique_key=['model_id', 'split'],
    on_schema_change='append_new_columns',
    full_refresh=holdfast.setting('reset'),
) }}
-- how good each model was: on the months held out from its training (test), and on what came of its scores (live)
{% set tasks = [] -%}
{% set regressions = [] -%}
{% for name in holdfast.tasks() -%}
    {% do tasks.append(holdfast.task(name)) -%}
    {% if tasks[-1].is_regression %}{% do regressions.append(name) %}{% endif -%}
{% endfor -%}
{% set settings = holdfast.evaluation_settings() -%}
with

predictions as (

    {% for task in tasks -%}
    {% set type = 'double' if task.is_regression else 'integer' -%}
    select
        model_id,
        '{{ task.name }}' as task,
        'test' as split,
        customer_id,
        as_of,
        {{ task.predicted_column }} as probability,
        cast({{ adapter.quote(task.label) }} as {{ type }}) as outcome,
    from {{ holdfast.task_step(task, 'holdout_predictions') }}
    {% if task.live %}
    union all

    select
        model_id,
        '{{ task.name }}' as task,
        'live' as split,
        customer_id,
        as_of,
        {{ task.predicted_column }} as probability,
        cast({{ adapter.quote(task.label) }} as {{ type }}) as outcome,
    from {{ holdfast.task_step(task, 'outcomes') }}
    {% endif -%}
    {{ 'union all' if not loop.last }}
    {% endfor %}
),

present as (

    select
        model_id,
        task,
        split,
        count(*) as row_count,
        avg(outcome) as mean_outcome,
    from predictions
    group by model_id, task, split

),

former as (

    {{ holdfast.former_evaluations(this) }}

),

-- models that are new, whose live rows have become more or other ones, or that were measured by other settings
due as (

    select
        present.model_id,
        present.task,
        present.split,
    from present
    left join former
        on former.model_id = present.model_id
        and former.split = present.split
    where
        former.settings is distinct from {{ settings }}
        or former.row_count is distinct from present.row_count
        or coalesce(
            abs(former.mean_outcome - present.mean_outcome) > 1e-9 * greatest(abs(present.mean_outcome), 1), true
        )

),

measured as (

    select predictions.*
    from predictions
    inner join due
        on due.model_id = predictions.model_id
        and due.split = predictions.split

),

with_segments as (

    {{ holdfast.segmented('measured') }}

),

{% if regressions -%}
{% set names = "'" ~ regressions | join("', '") ~ "'" -%}
of_outcomes as (

    select {{ holdfast.all_with({'outcome': 'cast(outcome as integer)'}) }}
    from with_segments
    where task not in ({{ names }})

),

of_values as (

    select
        *,
        probability as predicted_value,
    from with_segments
    where task in ({{ names }})

),

evaluated_values as (

    {{ holdfast.evaluate_values('of_values') }}

),

{% endif -%}
evaluated as (

    {{ holdfast.evaluate('of_outcomes' if regressions else 'with_segments') }}

),

final as (

    {% for relation in ['evaluated', 'evaluated_values'] if regressions or relation == 'evaluated' -%}
    select
        model_id,
        task,
        split,
        as_of,
        metric,
        value,
        lower,
        upper,
        segment,
    from {{ relation }}

    union all

    {% endfor -%}
    select
        model_id,
        task,
        split,
        cast(null as timestamp) as as_of,
        'settings' as metric,
        cast({{ settings }} as double) as value,
        cast(null as double) as lower,
        cast(null as double) as upper,
        cast(null as varchar) as segment,
    from due

)

select * from final
