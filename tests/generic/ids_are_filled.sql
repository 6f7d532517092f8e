{#-
  On a staging model: no id of the input is empty or nothing but blanks. Such rows are guests, most often, and would be one
  customer with the orders of all. Counts the rows, and tells of which column they are.
-#}
{% test ids_are_filled(model, input, columns) %}

{{ config(fail_calc='coalesce(sum(row_count), 0)') }}
{%- set relation = holdfast.input_relation(input) -%}
{%- set found = holdfast._column_types(relation) if execute and relation is not none else {} -%}
{%- set parts = [] -%}
{%- for column in columns if column in found and holdfast._is_text_type(found[column]) and found[column] != 'UUID' -%}
    {%- set sql -%}
select
    {{ holdfast.text(column) }} as column_name,
    count(*) as row_count,
    count(*) as example
from (select * from {{ relation }}) as inputs
where {{ holdfast.quoted(column) }} is not null and {{ holdfast._without_blank('cast(' ~ holdfast.quoted(column) ~ ' as varchar)') }} is null
having count(*) > 0
    {%- endset -%}
    {%- do parts.append(sql) -%}
{%- endfor -%}
{%- do holdfast._tell_problems(
    parts, '{rows} rows of the input ' ~ input ~ ' have an empty or blank {column}. They count as rows without one. Leave '
    ~ "them out of the relation in the var `holdfast_" ~ input ~ "`, or give each its correct id; guest orders have no id "
    ~ 'and say nothing about who returns.'
) -%}
{{ parts | join('\nunion all\n') if parts else 'select 0 as row_count where false' }}

{#- never true: dbt gives a test only the macros that it finds named here -#}
{%- if false -%}{{ holdfast.is_demo() }}{{ holdfast._invisible() }}{{ holdfast.duckdb___without_blank() }}{{ holdfast._tell_problems() }}{%- endif -%}

{% endtest %}

