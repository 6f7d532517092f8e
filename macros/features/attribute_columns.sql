{#-
  The features that columns of the customers input make, a list of {name, sql, description}: numbers and booleans as they are,
  dates as the days before as_of, text as what it holds. Text of a few levels is one column per level, 0 or 1; levels of few
  customers are `other`. `relation` is the input, and `attributes` and `spine` are what its rows and those of the spine are
  called in the SQL.

  A level that has a column keeps it while anybody has the level, so that no count near a limit makes models learn anew.
-#}
{% macro attribute_columns(names, relation, attributes='attributes', spine='spine') %}
    {%- set types = holdfast._column_types(relation) -%}
    {%- set columns = [] -%}
    {%- for attribute in names -%}
        {%- set have = types.get(attribute | lower) -%}
        {%- if have is none -%}
            {%- do exceptions.raise_compiler_error(
                'The var `holdfast_customer_attributes` names ' ~ attribute ~ ', but the relation in `holdfast_customers` ('
                ~ relation ~ ') has only ' ~ types.keys() | join(', ') ~ '.'
            ) -%}
        {%- endif -%}
        {%- set name = 'attribute_' ~ attribute -%}
        {%- set value = attributes ~ '.' ~ holdfast.quoted(attribute) -%}
        {%- set told = 'Current ' ~ attribute ~ ' of the customer, from the customers input' -%}
        {%- set kind = holdfast._attribute_kind(attribute, have, relation) -%}
        {%- if kind == 'number' -%}
            {%- set number = 'try_cast(' ~ value ~ ' as double)' if holdfast._is_text_type(have) else value -%}
            {%- do columns.append({
                'name': name, 'description': told ~ '.',
                'sql': value if not holdfast._is_text_type(have) and not holdfast._is_float_type(have)
                    else 'case when ' ~ holdfast.is_finite(number) ~ ' then ' ~ number ~ ' end',
            }) -%}
        {%- elif kind == 'boolean' -%}
            {%- set word = 'lower(trim(cast(' ~ value ~ ' as varchar)))' -%}
            {%- do columns.append({
                'name': name, 'description': told ~ ': 1 is yes, 0 no.',
                'sql': 'case when ' ~ word ~ " in ('true', 't', 'yes', 'y') then 1 when " ~ word ~ " in ('false', 'f', 'no', 'n') then 0 end",
            }) -%}
        {%- elif kind == 'date' -%}
            {%- set day = 'try_cast(' ~ value ~ ' as timestamp)' if holdfast._is_text_type(have)
                else holdfast._cast_column(value, have, 'timestamp') -%}
            {%- do columns.append({
                'name': name, 'description': 'Whole days from the ' ~ attribute ~ ' of the customer to as_of; NULL if it is later.',
                'sql': 'case when isfinite(' ~ day ~ ') and ' ~ day ~ ' < ' ~ spine ~ '.as_of then ' ~ holdfast.days_between(day, spine ~ '.as_of') ~ ' end',
            }) -%}
        {%- else -%}
            {%- do columns.extend(holdfast._level_columns(attribute, value, relation)) -%}
        {%- endif -%}
    {%- endfor -%}
    {{- return(columns) -}}
{% endmacro %}


{#- What an attribute is: number, boolean, date or level. Text is what all of its values are, blanks aside. -#}
{% macro _attribute_kind(attribute, have, relation) %}
    {%- if holdfast._is_time_type(have) -%}
        {{- return('date') -}}
    {%- elif have == 'BOOLEAN' or holdfast._is_number_type(have) -%}
        {{- return('number') -}}
    {%- elif not holdfast._is_text_type(have) -%}
        {%- do exceptions.raise_compiler_error(
            'The var `holdfast_customer_attributes` names ' ~ attribute ~ ', which is ' ~ have ~ ': attributes are numbers, booleans, '
            ~ 'dates or text. Make it one of these in the relation of `holdfast_customers`.'
        ) -%}
    {%- endif -%}
    {%- set value = 'trim(cast(' ~ holdfast.quoted(attribute) ~ ' as varchar))' -%}
    {%- set row = run_query(
        'select count(*), count(try_cast(value as double)), count(try_cast(value as timestamp)), '
        ~ "count(case when lower(value) in ('true', 't', 'yes', 'y', 'false', 'f', 'no', 'n') then 1 end) from (select "
        ~ value ~ ' as value from ' ~ relation ~ ") as attributes where value != ''"
    ).rows[0] -%}
    {%- if row[0] and row[1] == row[0] -%}
        {{- return('number') -}}
    {%- elif row[0] and row[3] == row[0] -%}
        {{- return('boolean') -}}
    {%- elif row[0] and row[2] == row[0] -%}
        {{- return('date') -}}
    {%- endif -%}
    {{- return('level') -}}
{% endmacro %}


{#- A column for each of the ten largest levels of a text, and one for the rest; none where every level is rare, as in free text. -#}
{% macro _level_columns(attribute, value, relation) %}
    {%- set most = 10 -%}
    {%- set level = 'trim(cast(' ~ holdfast.quoted(attribute) ~ ' as varchar))' -%}
    {%- set rows = run_query(
        'select value, count(*) as customers, sum(count(*)) over () as of_all from (select ' ~ level ~ ' as value from ' ~ relation
        ~ ") as attributes where value != '' group by value order by customers desc nulls last, value asc nulls last limit 1000"
    ).rows -%}
    {%- set kept = {} -%}
    {%- if holdfast.exists(this) -%}
        {%- for column in adapter.get_columns_in_relation(this) -%}
            {%- do kept.update({column.name | lower: true}) -%}
        {%- endfor -%}
    {%- endif -%}
    {%- set columns = [] -%}
    {%- set levels = [] -%}
    {%- set taken = ['other'] -%}
    {%- set covered = namespace(customers=0, of_all=0) -%}
    {%- set cell = 'trim(cast(' ~ value ~ ' as varchar))' -%}
    {%- for row in rows -%}
        {%- set covered.of_all = row[2] -%}
        {%- set plain = modules.re.sub('[^a-z0-9]+', '_', row[0] | lower).strip('_') -%}
        {%- set word = plain if plain and plain not in taken else (plain ~ '_' ~ local_md5(row[0])[:6]).strip('_') -%}
        {%- set name = 'attribute_' ~ attribute ~ '_' ~ word -%}
        {%- set is_large = row[1] >= holdfast.setting('least_group') and row[1] * 100 >= row[2] -%}
        {%- if columns | length < most and (is_large or name | lower in kept) -%}
            {%- do taken.append(word) -%}
            {%- do levels.append(row[0]) -%}
            {%- set covered.customers = covered.customers + row[1] -%}
            {%- do columns.append({
                'name': name, 'description': 'Whether the current ' ~ attribute ~ ' of the customer is ' ~ row[0] ~ ': 1 or 0; NULL if unknown.',
                'sql': 'case when ' ~ cell ~ ' = ' ~ holdfast.text(row[0]) ~ ' then 1 when ' ~ cell ~ " != '' then 0 end",
            }) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- if rows and not columns -%}
        {%- if flags.WHICH in ['build', 'run'] and context.get('holdfast_view') is none -%}
            {%- do exceptions.warn(
                'The var `holdfast_customer_attributes` names ' ~ attribute ~ ', a text column in which no value is shared by '
                ~ holdfast.setting('least_group')
                ~ ' customers and 1 % of all: it is left out, because nothing can be learned from it. Name a coarser column.'
            ) -%}
        {%- endif -%}
    {%- elif columns and covered.customers < covered.of_all -%}
        {%- do columns.append({
            'name': 'attribute_' ~ attribute ~ '_other',
            'description': 'Whether the ' ~ attribute ~ ' of the customer is one of the values without a feature of their own: 1 or 0; NULL if unknown.',
            'sql': 'case when ' ~ cell ~ ' in (' ~ holdfast._texts(levels) | join(', ') ~ ') then 0 when ' ~ cell ~ " != '' then 1 end",
        }) -%}
    {%- endif -%}
    {{- return(columns) -}}
{% endmacro %}
