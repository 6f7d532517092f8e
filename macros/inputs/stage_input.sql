{#-
  The select of a staging model: the contract's columns, cast once, from the relation that the user named.
  An optional column that is not there is NULL, or the column in its `else`; an optional input that is not there is an empty
  relation. `row` names the column by which messages tell a row.
-#}
{% macro stage_input(input, columns) %}
    {%- if input == 'events' -%}
        {#- several relations by name, whose rows say in `source` where they come from -#}
        {%- set selects = [] -%}
        {%- for name, one in holdfast.event_inputs(reads=true).items() -%}
            {%- do selects.append(holdfast._staged_relation(input, columns, one.relation, one.var, {'source': name})) -%}
        {%- endfor -%}
        {{- return((selects or [holdfast._staged_relation(input, columns, none, 'holdfast_events', {'source': ''})]) | join('\nunion all\n')) -}}
    {%- endif -%}
    {{- return(holdfast._staged_relation(input, columns, holdfast.input_relation(input), 'holdfast_' ~ input)) -}}
{% endmacro %}


{#- The select of one relation; `texts` are further columns, which are the same in all its rows. -#}
{% macro _staged_relation(input, columns, relation, var_name, texts={}) %}
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
    {%- if relation is none and input == 'orders' -%}
        {%- do exceptions.raise_compiler_error(
            'Holdfast needs one table: orders. Set the var `holdfast_orders` in dbt_project.yml to a relation with the columns '
            ~ required | join(', ') ~ ", for example  holdfast_orders: \"{{ ref('my_project', 'orders') }}\"."
        ) -%}
    {%- endif -%}

    {%- set found = holdfast._column_types(relation) if relation is not none else {} -%}
    {%- if not_forgotten is not none and relation is not none -%}
        {#- rules of approvals may name no customer -#}
        {%- set not_forgotten = holdfast.not_forgotten('inputs.customer_id', type=found.get('customer_id'))
            if 'customer_id' in found else none -%}
    {%- endif -%}
    {%- if relation is not none -%}
        {%- set missing = [] -%}
        {%- for column in required if column not in found -%}
            {%- do missing.append(column) -%}
        {%- endfor -%}
        {%- if missing -%}
            {%- do exceptions.raise_compiler_error(
                'The relation in the var `' ~ var_name ~ '` (' ~ relation ~ ') has no column ' ~ missing | join(', ')
                ~ '. The input ' ~ input ~ ' requires ' ~ required | join(', ') ~ '; '
                ~ 'the relation has ' ~ found.keys() | join(', ') ~ '.'
            ) -%}
        {%- endif -%}
    {%- endif -%}

    {%- set orders_types = holdfast._column_types(orders) if orders is not none and holdfast.exists(orders) else {} -%}
    {%- set lines = [] -%}
    {%- for name, value in texts.items() -%}
        {%- do lines.append('cast(' ~ holdfast.text(value) ~ ' as ' ~ holdfast._sql_type('text') ~ ') as ' ~ holdfast.quoted(name)) -%}
    {%- endfor -%}
    {%- for column, spec in columns.items() -%}
        {%- set name = holdfast.quoted(column) -%}
        {%- set have = found.get(column) -%}
        {%- set called = 'The column ' ~ column ~ ' in the var `' ~ var_name ~ '` (' ~ relation ~ ')' -%}
        {%- if have is none and spec.get('else') in found -%}
            {%- do lines.append(holdfast._as_text(spec.get('else')) ~ ' as ' ~ name) -%}
        {%- elif have is none -%}
            {%- set type = orders_types.get(column, 'bigint') if spec.type == 'id'
                else holdfast._sql_type('text' if spec.type == 'event type' else spec.type) -%}
            {%- do lines.append('cast(null as ' ~ type ~ ') as ' ~ name) -%}
        {%- elif spec.type == 'id' -%}
            {%- do lines.append(holdfast._as_id(name, have, orders_types.get(column), called) ~ ' as ' ~ name) -%}
        {%- elif spec.type == 'timestamp' -%}
            {%- do lines.append(holdfast._as_time(name, have, called) ~ ' as ' ~ name) -%}
        {%- elif spec.type == 'month' -%}
            {%- do lines.append(holdfast._as_month(name, have, called) ~ ' as ' ~ name) -%}
        {%- elif spec.type in ['later', 'end'] -%}
            {%- do lines.append(holdfast._as_later_time(name, have, spec.type, called) ~ ' as ' ~ name) -%}
        {%- elif spec.type in ['amount', 'money', 'number'] -%}
            {%- do lines.append(holdfast._as_number(name, have, spec.type, called, spec.get('row')) ~ ' as ' ~ name) -%}
        {%- elif spec.type == 'event type' -%}
            {%- do lines.append(holdfast.normal_event_type(name) ~ ' as ' ~ name) -%}
        {%- elif spec.get('else') -%}
            {%- set text = 'cast(' ~ name ~ ' as ' ~ holdfast._sql_type('text') ~ ')' -%}
            {%- do lines.append('coalesce(' ~ holdfast._without_blank(text) ~ ', ' ~ holdfast._as_text(spec.get('else')) ~ ') as ' ~ name) -%}
        {%- else -%}
            {%- do lines.append('cast(' ~ name ~ ' as ' ~ holdfast._sql_type(spec.type) ~ ') as ' ~ name) -%}
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


{% macro _as_text(column) %}
    {{- return('cast(' ~ holdfast.quoted(column) ~ ' as ' ~ holdfast._sql_type('text') ~ ')') -}}
{% endmacro %}
