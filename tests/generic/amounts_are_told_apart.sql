{#-
  On the orders, a warning: amounts below half of the last digit that Holdfast keeps, which are rounded up to it so that
  the order is not lost. Counts them.
-#}
{% test amounts_are_told_apart(model, input, columns) %}

{{ config(severity='warn', fail_calc='coalesce(sum(row_count), 0)') }}
{%- set relation = holdfast.input_relation(input) -%}
{%- set found = holdfast._column_types(relation) if execute and relation is not none else {} -%}
{%- set parts = [] -%}
{%- for column in columns if column in found -%}
    {%- set sql -%}
select
    {{ holdfast.text(column) }} as column_name,
    count(*) as row_count,
    min(cast({{ holdfast.quoted(column) }} as varchar)) as example
from (select * from {{ relation }}) as inputs
where abs(try_cast({{ holdfast.quoted(column) }} as double)) < 5e-5 and try_cast({{ holdfast.quoted(column) }} as double) != 0e0
having count(*) > 0
    {%- endset -%}
    {%- do parts.append(sql) -%}
{%- endfor -%}
{%- do holdfast._tell_problems(
    parts, '{rows} rows of the input ' ~ input ~ ' have an {column} too small for four decimals, such as {example}. They count as 0.0001, or '
    ~ '-0.0001, so that no order is lost. Use a smaller unit of currency in the relation in the var `holdfast_' ~ input ~ '`.'
) -%}
{{ parts | join('\nunion all\n') if parts else 'select 0 as row_count where false' }}

{#- never true: dbt gives a test only the macros that it finds named here -#}
{%- if false -%}{{ holdfast.is_demo() }}{{ holdfast._tell_problems() }}{%- endif -%}

{% endtest %}
