{#-
  On a staging model, a warning: ids with blanks around them, or with characters that nobody sees, are other ids than those
  without. Counts the rows, and tells how many such ids come without these, too.
-#}
{% test ids_are_tidy(model, input, columns) %}

{{ config(severity='warn', fail_calc='coalesce(sum(row_count), 0)') }}
{%- set relation = holdfast.input_relation(input) -%}
{%- set found = holdfast._column_types(relation) if execute and relation is not none else {} -%}
{%- set edges = '^[' ~ holdfast._invisible() ~ ']+|[' ~ holdfast._invisible() ~ ']+$' -%}
{%- set parts = [] -%}
{%- for column in columns if column in found and holdfast._is_text_type(found[column]) and found[column] != 'UUID' -%}
    {%- set sql -%}
select
    {{ holdfast.text(column) }} as column_name,
    cast(sum(row_count) as bigint) as row_count,
    '''' || min(id) || '''; ' || count(*) filter (where is_double) || ' of them also occur without these' as example
from (
    select
        id,
        row_count,
        id != tidy_id as is_untidy,
        tidy_id != '' and count(*) over (partition by tidy_id) > 1 as is_double,
    from (
        select
            cast({{ holdfast.quoted(column) }} as varchar) as id,
            regexp_replace(cast({{ holdfast.quoted(column) }} as varchar), {{ holdfast.text(edges ~ '|\\p{C}') }}, '', 'g') as tidy_id,
            count(*) as row_count,
        from (select * from {{ relation }}) as inputs
        group by all
    ) as ids
) as counted
where is_untidy and not regexp_full_match(id, '[{{ holdfast._invisible() }}]*')
having count(*) > 0
    {%- endset -%}
    {%- do parts.append(sql) -%}
{%- endfor -%}
{%- do holdfast._tell_problems(
    parts, '{rows} rows of the input ' ~ input ~ ' have a {column} with blanks around it or invisible characters, such as {example}. Clean '
    ~ 'it in the relation in the var `holdfast_' ~ input ~ "`: regexp_replace({column}, " ~ holdfast.text(edges) ~ ", '', 'g')."
) -%}
{{ parts | join('\nunion all\n') if parts else 'select 0 as row_count where false' }}

{#- never true: dbt gives a test only the macros that it finds named here -#}
{%- if false -%}{{ holdfast.is_demo() }}{{ holdfast._tell_problems() }}{%- endif -%}

{% endtest %}
