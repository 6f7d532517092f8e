{#-
  The select of the observation dates (`as_of`, timestamp): the as-of date itself, for scoring, and before it points of a
  fixed calendar grid. The grid is fixed so that a build on the next day asks for the same past dates again, and finds
  their features computed: a date appears when its day comes, and may leave, but no past date is ever added.

  How far the dates lie apart and how many there are follows the horizon and the history, unless `holdfast_observation_interval`
  or `holdfast_observations` says so:
  - closer than a third of the horizon they would ask nearly the same question again. So from a horizon of 12 weeks on
    they are the first days of the last 24 months;
  - with a shorter one they are Mondays, every week (from 6 weeks on every second), so that a young shop has enough of them
    to learn from. When there are more than 36, every second one leaves, until four weeks lie between them: what lies
    further back teaches more than what lies closer together;
  - dates from which nobody has `holdfast_min_history_days` behind them would teach nothing, and are left out.
-#}
{% macro observation_grid() %}
    {%- set interval = holdfast.setting('observation_interval') -%}
    {%- set observations = holdfast.setting('observations') -%}
    {%- set horizon_days = holdfast.setting('churn_horizon_days') -%}
    {%- set least_weeks = 2 if horizon_days >= 42 else 1 -%}
    {%- set thins_out = interval == 'auto' and observations == 'auto' and horizon_days < 84 -%}
    {%- if interval == 'auto' -%}
        {%- set interval = '1 month' if horizon_days >= 84 else least_weeks ~ ' week' -%}
    {%- endif -%}
    {%- set count = interval.split(' ')[0] | int -%}
    {%- set unit = interval.split(' ')[1].rstrip('s') -%}
    {%- set days = (count * {'day': 1, 'week': 7, 'month': 0}[unit]) | string -%}
    {%- if thins_out -%}
        {%- set days = 'step_days' -%}
    {%- endif -%}
with

build as (

        select
            {{ holdfast.as_of_date() }} as as_of_date,
            {{ holdfast._history_begins() }} + interval {{ holdfast.setting('min_history_days') }} day as begins_at,

    ),

    spaced as (

        select
            *,
            {%- if thins_out %}
            {%- set history_days = holdfast.days_between('begins_at', 'cast(as_of_date as timestamp)') %}
            case
                {%- if least_weeks == 1 %}
                when {{ history_days }} <= {{ 36 * 7 }} then 7
                {%- endif %}
                when {{ history_days }} <= {{ 36 * 14 }} then 14
                else 28
            end as step_days,
            {%- endif %}
        from build

    ),

    grid as (

        select
            begins_at,
            {%- if thins_out %}
            step_days < 28 or step < 24 as is_recent,
            {%- endif %}
            cast(
                {%- if unit == 'month' %}
                {{ holdfast.plus_months(
                    "date_trunc('month', as_of_date)",
                    '-cast((year(as_of_date) * 12 + month(as_of_date) - 1) % ' ~ count ~ ' + step * ' ~ count ~ ' as integer)',
                ) }}
                {%- else %}
                as_of_date
                - cast({{ holdfast.days_between("date '1970-01-05'", 'as_of_date') }} % {{ days }} + step * {{ days }} as integer)
                {%- endif %} as timestamp
            ) as as_of,
        from spaced
        {#- no more than 37 dates lie in 36 steps #}
        cross join range({{ 37 if thins_out else 24 if observations == 'auto' else observations }}) as steps (step)

    )

    select cast(as_of_date as timestamp) as as_of
    from build

    union

    select as_of
    from grid
    {%- if observations == 'auto' %}
    where
        as_of >= begins_at
        {%- if thins_out %}
        and is_recent
        {%- endif %}
    {%- endif %}
{%- endmacro %}


{#- The first purchase of all, where churn is contractual or the first subscription; a SQL expression. -#}
{% macro _history_begins() %}
    {%- set purchase = '(select min(ordered_at) from ' ~ ref('holdfast', 'stg_holdfast__orders') ~ ' where amount > 0)' -%}
    {%- if holdfast.setting('churn_definition') != 'contractual' -%}
        {{- return(purchase) -}}
    {%- endif -%}
    {{- return('least(' ~ purchase ~ ', (select min(started_at) from ' ~ ref('holdfast', 'stg_holdfast__subscriptions') ~ '))') -}}
{% endmacro %}
