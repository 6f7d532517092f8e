{#-
  The select of the observation dates (`as_of`, timestamp): the as-of date itself, for scoring, and before it the
  last N points of a fixed calendar grid. The grid is fixed so that a build on the next day asks for the same past
  dates again, and finds their features computed.

  Where `holdfast_observations` is auto, dates from which nobody has `holdfast_min_history_days` behind them are left out:
  they would cost a pass over the features, and teach nothing. So the grid of a young shop grows with its history.
-#}
{% macro observation_grid() %}
    {%- set interval = holdfast._observation_interval().split(' ') -%}
    {%- set count = interval[0] | int -%}
    {%- set unit = interval[1].rstrip('s') -%}
    {%- set days = count * {'day': 1, 'week': 7, 'month': 0}[unit] -%}
    {%- set is_automatic = holdfast.setting('observations') == 'auto' -%}
select cast(as_of_date as timestamp) as as_of
    from (select {{ holdfast.as_of_date() }} as as_of_date) as build

    union

    select as_of
    from (
        select cast(
            {%- if unit == 'month' %}
            {{ holdfast.plus_months(
                "date_trunc('month', as_of_date)",
                '-cast((year(as_of_date) * 12 + month(as_of_date) - 1) % ' ~ count ~ ' + step * ' ~ count ~ ' as integer)',
            ) }}
            {%- else %}
            as_of_date - cast({{ holdfast.days_between("date '1970-01-05'", 'as_of_date') }} % {{ days }} + step * {{ days }} as integer)
            {%- endif %} as timestamp
        ) as as_of
        from (select {{ holdfast.as_of_date() }} as as_of_date) as build
        cross join range({{ 24 if is_automatic else holdfast.setting('observations') }}) as steps (step)
    ) as grid
    {%- if is_automatic %}
    where as_of >= {{ holdfast._history_begins() }} + interval {{ holdfast.setting('min_history_days') }} day
    {%- endif %}
{%- endmacro %}


{#-
  How far the dates lie apart: where it is auto, a third of the horizon, in whole weeks, so that every date is a Monday; no
  less than a week, and from four weeks on the first of every month. Closer dates would ask nearly the same question again.
-#}
{% macro _observation_interval() %}
    {%- set interval = holdfast.setting('observation_interval') -%}
    {%- if interval != 'auto' -%}
        {{- return(interval) -}}
    {%- endif -%}
    {%- set weeks = holdfast.setting('churn_horizon_days') // 21 -%}
    {{- return('1 month' if weeks >= 4 else [weeks, 1] | max ~ ' week') -}}
{% endmacro %}


{#- The first purchase of all, where churn is contractual or the first subscription; a SQL expression. -#}
{% macro _history_begins() %}
    {%- set purchase = '(select min(ordered_at) from ' ~ ref('holdfast', 'stg_holdfast__orders') ~ ' where amount > 0)' -%}
    {%- if holdfast.setting('churn_definition') != 'contractual' -%}
        {{- return(purchase) -}}
    {%- endif -%}
    {{- return('least(' ~ purchase ~ ', (select min(started_at) from ' ~ ref('holdfast', 'stg_holdfast__subscriptions') ~ '))') -}}
{% endmacro %}
