{#-
  The select of a user's own spine, from the var `holdfast_spine`: any relation of customer_id and as_of. A row that
  comes twice is one question and is taken once. Rows without a customer or a moment fail the tests of customer_spine.
-#}
{% macro own_spine(relation) %}
    {#- ids must be of the type that orders has -#}
    {%- set orders = ref('holdfast', 'stg_holdfast__orders') -%}
    {%- set not_forgotten = holdfast.not_forgotten('spine.customer_id') -%}
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
    {%- set have = found['customer_id'] -%}
    {%- do holdfast._check_id_type(have, 'customer_id', 'The column customer_id in the var `holdfast_spine` (' ~ relation ~ ')') -%}
    {%- set want = holdfast._column_types(orders).get('customer_id') if holdfast.exists(orders) else have -%}
    {%- if holdfast._is_text_type(have) != holdfast._is_text_type(want) -%}
        {%- do exceptions.raise_compiler_error(
            'The column customer_id is ' ~ have ~ ' in the var `holdfast_spine` (' ~ relation ~ ') but ' ~ want
            ~ ' in `holdfast_orders`: cast one of them, so that the two can be joined.'
        ) -%}
    {%- endif -%}
select distinct
    {{ 'customer_id' if have == want else 'cast(customer_id as ' ~ want ~ ') as customer_id' }},
    {{ holdfast._cast_column('as_of', found['as_of'], 'timestamp') }} as as_of,
from (select * from {{ relation }}) as spine
where {{ not_forgotten }}
{%- endmacro %}
