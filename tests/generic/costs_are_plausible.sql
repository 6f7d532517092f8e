{#-
  On the staging model of costs, a warning: rows without an amount, negative ones, and rows that repeat another one in month,
  channel and amount, which may have been loaded twice. They count as they are.
-#}
{% test costs_are_plausible(model, input) %}

{{ config(severity='warn', fail_calc='coalesce(sum(row_count), 0)') }}
{%- set checks = {
    'no spend: they count as nothing': 'spend is null',
    'a negative spend: it is subtracted, as money that came back': 'spend < 0',
    'the same month, channel and spend as another one: both are added up': 'copies > 1',
} -%}
{%- set rows = '(select *, count(*) over (partition by month, channel, spend) as copies from ' ~ model ~ ') as costs' -%}
{%- set parts = [] -%}
{%- for problem, condition in checks.items() -%}
    {%- set sql -%}
select
    {{ holdfast.text(problem) }} as column_name,
    count(*) as row_count,
    min(cast(month as varchar) || ', ' || coalesce(channel, 'no channel')) as example
from {{ rows }}
where {{ condition }}
having count(*) > 0
    {%- endset -%}
    {%- do parts.append(sql) -%}
{%- endfor -%}
{%- do holdfast._tell_problems(
    parts, '{rows} rows of the input ' ~ input ~ ' have {column}. The first is of {example}. If that is wrong, correct it in the relation in the '
    ~ 'var `holdfast_' ~ input ~ '`.'
) -%}
{{ parts | join('\nunion all\n') }}

{#- never true: dbt gives a test only the macros that it finds named here -#}
{%- if false -%}{{ holdfast._tell_problems() }}{%- endif -%}

{% endtest %}
