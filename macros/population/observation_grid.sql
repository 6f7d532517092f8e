{#-
  The select of the observation dates (`as_of`, timestamp): the as-of date itself, for scoring, and before it the
  last N points of a fixed calendar grid. The grid is fixed so that a build on the next day asks for the same past
  dates again, and finds their features computed.
-#}
{% macro observation_grid() %}
    {%- set interval = holdfast.setting('observation_interval').split(' ') -%}
    {%- set count = interval[0] | int -%}
    {%- set unit = interval[1].rstrip('s') -%}
    {%- set days = count * {'day': 1, 'week': 7, 'month': 0}[unit] -%}
select cast(as_of_date as timestamp) as as_of
    from (select {{ holdfast.as_of_date() }} as as_of_date) as build

    union

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
    cross join range({{ holdfast.setting('observations') }}) as steps (step)
{%- endmacro %}
