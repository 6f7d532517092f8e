{#- The select of a user's own spine, from the var `holdfast_spine`: any relation of customer_id and as_of. -#}
{% macro own_spine(relation) %}
    {%- if not execute -%}
        {{- return('select 1 as parse_only') -}}
    {%- endif -%}
    {%- set found = holdfast._column_types(relation) -%}
    {%- for column in ['customer_id', 'as_of'] if column not in found -%}
        {%- do exceptions.raise_compiler_error(
            'The relation in the var `holdfast_spine` (' ~ relation ~ ') has no column ' ~ column
            ~ '; it needs customer_id and as_of, and has ' ~ found.keys() | join(', ') ~ '.'
        ) -%}
    {%- endfor -%}
    {%- if found['as_of'] != 'DATE' and 'TIMESTAMP' not in found['as_of'] -%}
        {%- do exceptions.raise_compiler_error(
            'as_of in the var `holdfast_spine` (' ~ relation ~ ') must be a timestamp or a date; it is ' ~ found['as_of'] ~ '.'
        ) -%}
    {%- endif -%}
select
    customer_id,
    {{ holdfast._cast_column('as_of', found['as_of'], 'timestamp') }} as as_of,
from {{ relation }}
{%- endmacro %}
