{#-
  On a staging model, a warning: rows of the input without a name, which go by their id. `columns` maps names to ids.
-#}
{% test names_are_filled(model, input, columns) %}

{{ config(severity='warn', fail_calc='coalesce(sum(row_count), 0)') }}
{%- set relation = holdfast.input_relation(input) -%}
{%- set found = holdfast._column_types(relation) if execute and relation is not none else {} -%}
{%- set parts = [] -%}
{%- for name, id in columns.items() if name in found and id in found -%}
    {%- set sql -%}
select
    {{ holdfast.text(name) }} as column_name,
    count(*) as row_count,
    min(cast({{ holdfast.quoted(id) }} as varchar)) as example
from (select * from {{ relation }}) as inputs
where {{ holdfast._without_blank('cast(' ~ holdfast.quoted(name) ~ ' as varchar)') }} is null
having count(*) > 0
    {%- endset -%}
    {%- do parts.append(sql) -%}
{%- endfor -%}
{%- do holdfast._tell_problems(
    parts, '{rows} rows of the input ' ~ input ~ ' have no {column}, such as {example}; their id is used instead. Add names in the relation in '
    ~ 'the var `holdfast_' ~ input ~ '`.'
) -%}
{{ parts | join('\nunion all\n') if parts else 'select 0 as row_count where false' }}

{#- never true: dbt gives a test only the macros that it finds named here -#}
{%- if false -%}
    {{ holdfast.is_demo() }}{{ holdfast._invisible() }}{{ holdfast.duckdb___without_blank() }}{{ holdfast._tell_problems() }}
{%- endif -%}

{% endtest %}
