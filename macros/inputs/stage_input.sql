{#-
  The select of a staging model: the contract's columns, cast once, from the relation that the user named.
  An optional column that is not there is NULL; an optional input that is not there is an empty relation.
-#}
{% macro stage_input(input, columns) %}
    {{- return(adapter.dispatch('stage_input', 'holdfast')(input, columns)) -}}
{% endmacro %}


{% macro default__stage_input(input, columns) %}
    {%- set relation = holdfast.input_relation(input) -%}
    {#- ids of the other inputs must be of the type that orders has -#}
    {%- set orders = none if input == 'orders' else ref('holdfast', 'stg_holdfast__orders') -%}
    {%- set not_forgotten = holdfast.not_forgotten('inputs.customer_id') if 'customer_id' in columns else none -%}
    {%- if not execute -%}
        {{- return('select 1 as parse_only') -}}
    {%- endif -%}

    {%- set required = [] -%}
    {%- for column, spec in columns.items() if spec.get('required', false) -%}
        {%- do required.append(column) -%}
    {%- endfor -%}
    {%- set var_name = 'holdfast_' ~ input -%}
    {%- if relation is none and input == 'orders' -%}
        {%- do exceptions.raise_compiler_error(
            'Holdfast needs one table: orders. Set the var `holdfast_orders` in dbt_project.yml to a relation with the columns '
            ~ required | join(', ') ~ ", for example  holdfast_orders: \"{{ ref('my_project', 'orders') }}\"."
        ) -%}
    {%- endif -%}

    {%- set found = holdfast._column_types(relation) if relation is not none else {} -%}
    {%- if relation is not none -%}
        {%- set missing = [] -%}
        {%- for column in required if column not in found -%}
            {%- do missing.append(column) -%}
        {%- endfor -%}
        {%- if missing -%}
            {%- do exceptions.raise_compiler_error(
                'The relation in the var `' ~ var_name ~ '` (' ~ relation ~ ') has no column ' ~ missing | join(', ')
                ~ '. The contract of ' ~ input ~ ': ' ~ required | join(', ') ~ ' are required; '
                ~ 'the relation has ' ~ found.keys() | join(', ') ~ '.'
            ) -%}
        {%- endif -%}
    {%- endif -%}

    {%- set orders_types = holdfast._column_types(orders) if orders is not none and holdfast.exists(orders) else {} -%}
    {%- set lines = [] -%}
    {%- for column, spec in columns.items() -%}
        {%- set name = holdfast.quoted(column) -%}
        {%- set have = found.get(column) -%}
        {%- if spec.type == 'id' -%}
            {%- set want = orders_types.get(column) -%}
            {%- if have is none -%}
                {%- do lines.append('cast(null as ' ~ (want or 'bigint') ~ ') as ' ~ name) -%}
            {%- else -%}
                {%- if want and holdfast._is_text_type(have) != holdfast._is_text_type(want) -%}
                    {%- do exceptions.raise_compiler_error(
                        'The column ' ~ column ~ ' is ' ~ have ~ ' in the var `' ~ var_name ~ '` but ' ~ want
                        ~ ' in `holdfast_orders`: cast one of them, so that the two can be joined.'
                    ) -%}
                {%- endif -%}
                {%- do lines.append(name if not want or want == have else 'cast(' ~ name ~ ' as ' ~ want ~ ') as ' ~ name) -%}
            {%- endif -%}
        {%- elif have is none -%}
            {%- do lines.append('cast(null as ' ~ holdfast._sql_type(spec.type) ~ ') as ' ~ name) -%}
        {%- else -%}
            {%- do lines.append(holdfast._cast_column(name, have, spec.type) ~ ' as ' ~ name) -%}
        {%- endif -%}
    {%- endfor -%}

    {%- set select -%}
select
    {{ lines | join(',\n    ') }}
{%- if relation is not none %}
from (select * from {{ relation }}) as inputs
{%- if not_forgotten is not none %}
where {{ not_forgotten }}
{%- endif %}
{%- else %}
where false
{%- endif -%}
    {%- endset -%}
    {{- return(select) -}}
{% endmacro %}
