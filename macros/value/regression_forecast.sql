{#-
  The select of what the champion of a value task expects of each customer now: customer_id, expected, expected_raw, expected_lower,
  expected_upper, algorithm and model_id. No rows where the task is switched off or has no champion, or where the
  buy-till-you-die model did better on the rows that neither had seen (value_evaluations).
-#}
{% macro regression_forecast(measure) %}
    {%- set found = holdfast.value_tasks() | selectattr('measure', 'equalto', measure) | list -%}
    {%- set champion = holdfast.champion(holdfast.task_step(found[0].task, 'model')) if found else none %}
select
    customer_id,
    {{ holdfast.forecast_columns(champion, found[0].task.score_column if found else 'cast(null as double)') | indent(4) }}
    cast({{ holdfast.text(champion.algorithm) if champion else 'null' }} as varchar) as algorithm,
    {{ 'model_id' if found else 'cast(null as varchar)' }} as model_id,
{%- if found %}
from {{ holdfast.task_step(found[0].task, 'scores') }}
where
    as_of = {{ holdfast.scoring_as_of() }}
    and status = 'scored'
    and exists (
        select 1
        from {{ ref('holdfast', 'holdfast__value_evaluations') }} as judged
        where
            judged.task = {{ holdfast.text('value_' ~ measure) }}
            and judged.algorithm = {{ holdfast.text(champion.algorithm if champion else '') }}
            and judged.stage = 'in_use'
    )
{%- else %}
from {{ ref('holdfast', 'holdfast__customer_spine') }}
where false
{%- endif %}
{%- endmacro %}
