{{ config(materialized='table') }}
-- what the two models of a customer's value expected of the same rows, which neither had seen, and what came
with

{% for each in holdfast.value_tasks() -%}
{% set task, measure = each.task, each.measure -%}
{% set registry = holdfast.task_step(task, 'model') -%}
{% set champion = holdfast.champion(registry) -%}
{#- a champion was fitted again on all rows: its twin was tested -#}
{% set tested = (champion.parameters.get('evaluated_as') or champion.model_id) if champion else '' -%}
{{ measure }}_by_regression as (

    select
        customer_id,
        as_of,
        {{ holdfast.text(champion.algorithm if champion else '') }} as algorithm,
        {{ holdfast.forecast_columns(champion, 'predicted_value') | indent(8) }}
        {{ holdfast.quoted(task.label) }} as outcome,
    from (
        select
            *,
            count(*) over () as row_count,
        from {{ holdfast.task_step(task, 'holdout_predictions') }}
        where model_id = {{ holdfast.text(tested) }}
    ) as tested
    -- of very many customers always the same part, which tells the models apart as well
    where
        {{ holdfast.stable_number('customer_id') }} % 1000000
        < 1000000 * least(500000e0 / cast(greatest(row_count, 1) as double), 1e0)

),

{{ measure }}_by_btyd as (

    select
        btyd.customer_id,
        btyd.as_of,
        btyd.algorithm,
        btyd.expected_{{ measure }}_90d as expected,
        btyd.expected_{{ measure }}_90d_raw as expected_raw,
        btyd.expected_{{ measure }}_90d_lower as expected_lower,
        btyd.expected_{{ measure }}_90d_upper as expected_upper,
        regression.outcome,
    from {{ ref('holdfast', 'holdfast__btyd_scores') }} as btyd
    inner join {{ measure }}_by_regression as regression
        on regression.customer_id = btyd.customer_id
        and regression.as_of = btyd.as_of
    where btyd.expected_{{ measure }}_90d is not null

),

{% endfor -%}
final as (

    {% for each in holdfast.value_tasks() -%}
    select
        {{ holdfast.text('value_' ~ each.measure) }} as task,
        *,
    from {{ each.measure }}_by_btyd

    union all

    -- the same rows
    select
        {{ holdfast.text('value_' ~ each.measure) }} as task,
        *,
    from {{ each.measure }}_by_regression as regression
    where exists (
        select 1
        from {{ each.measure }}_by_btyd as btyd
        where
            btyd.customer_id = regression.customer_id
            and btyd.as_of = regression.as_of
    )
    {{ 'union all' if not loop.last }}
    {% else -%}
    select
        cast(null as varchar) as task,
        customer_id,
        as_of,
        cast(null as varchar) as algorithm,
        cast(null as double) as expected,
        cast(null as double) as expected_raw,
        cast(null as double) as expected_lower,
        cast(null as double) as expected_upper,
        cast(null as double) as outcome,
    from {{ ref('holdfast', 'holdfast__customer_spine') }}
    where false
    {% endfor %}
)

select
    task,
    algorithm,
    customer_id,
    as_of,
    expected as predicted,
    expected_raw as predicted_raw,
    expected_lower as lower,
    expected_upper as upper,
    outcome,
from final
