{#-
  The expressions by which the columns of inputs come in. What can be read in one way is read so; what cannot stops the
  query, and names the var, the column and an example, for a guess would be a wrong table.
  `column` is how a message begins: The column ordered_at in the var `holdfast_orders` (raw.orders).
-#}

{#- Blanks of every script, control characters, and the invisible ones that come with copied text. -#}
{% macro _invisible() %}
    {{- return('\\s\\p{Z}\\p{C}') -}}
{% endmacro %}


{#- An id, as the type that orders has; text without a visible character is no id. -#}
{% macro _as_id(name, have, want, column) %}
    {%- do holdfast._check_id_type(have, name, column) -%}
    {%- if want and holdfast._is_text_type(have) != holdfast._is_text_type(want) -%}
        {%- do exceptions.raise_compiler_error(
            column ~ ' is ' ~ have ~ ', but in the var `holdfast_orders` it is ' ~ want
            ~ ': cast one of them, so that the two can be joined.'
        ) -%}
    {%- endif -%}
    {%- set sql = name -%}
    {%- if have.startswith('ENUM') -%}
        {%- set sql = 'cast(' ~ name ~ ' as ' ~ holdfast._sql_type('text') ~ ')' -%}
    {%- endif -%}
    {%- if holdfast._is_text_type(have) and have != 'UUID' -%}
        {%- set sql = holdfast._without_blank(sql) -%}
    {%- endif -%}
    {#- whole numbers of another size compare as they are; a cast could overflow -#}
    {%- if want and want != have and holdfast._is_text_type(want) and not want.startswith('ENUM') -%}
        {%- set sql = 'cast(' ~ sql ~ ' as ' ~ want ~ ')' -%}
    {%- endif -%}
    {{- return(sql) -}}
{% endmacro %}


{% macro _without_blank(sql) %}
    {{- return(adapter.dispatch('_without_blank', 'holdfast')(sql)) -}}
{% endmacro %}

{#- Refuses ids of types in which two ids can become one, with the cast to write. -#}
{% macro _check_id_type(have, name, column) %}
    {%- if holdfast._is_float_type(have) -%}
        {%- do exceptions.raise_compiler_error(
            column ~ ' is ' ~ have ~ ', a floating-point number, in which different ids can become equal: it holds whole numbers '
            ~ 'exactly only up to ' ~ ('16,777,216' if have in ['FLOAT', 'REAL'] else '9,007,199,254,740,992') ~ '. If the numbers are '
            ~ 'smaller, write cast(' ~ name ~ ' as bigint) in the relation. If they are larger, digits are already lost: read '
            ~ "them as text, such as read_csv('orders.csv', types={" ~ "'" ~ name | replace('"', '') ~ "': 'varchar'}), or cast them "
            ~ 'to varchar or hugeint at the source.'
        ) -%}
    {%- elif not holdfast._is_text_type(have) and not holdfast._is_whole_type(have) -%}
        {%- do exceptions.raise_compiler_error(
            column ~ ' is ' ~ have ~ '; an id is a whole number or text. Write '
            ~ ('cast(' ~ name ~ ' as decimal(38, 0))' if have.startswith('DECIMAL') or have.startswith('NUMERIC') else 'cast(' ~ name ~ ' as varchar)')
            ~ ' in the relation.'
        ) -%}
    {%- endif -%}
{% endmacro %}


{#- A moment, UTC. Text is read with its offset; a number could be anything since any day, so it is refused. -#}
{% macro _as_time(name, have, column) %}
    {%- if 'TIME ZONE' in have -%}
        {{- return(name ~ " at time zone 'UTC'") -}}
    {%- elif holdfast._is_time_type(have) -%}
        {{- return('cast(' ~ name ~ ' as timestamp)') -}}
    {%- elif holdfast._is_text_type(have) and have != 'UUID' -%}
        {{- return(holdfast._read_time(name, column)) -}}
    {%- endif -%}
    {%- do exceptions.raise_compiler_error(
        column ~ ' is ' ~ have ~ ', and must be a date or a timestamp. '
        ~ ('For seconds since 1970 use to_timestamp(' ~ name ~ '), for milliseconds epoch_ms(cast(' ~ name ~ ' as bigint)), for microseconds '
            ~ 'make_timestamp(cast(' ~ name ~ ' as bigint)), for days such as 20260131 strptime(cast(' ~ name ~ " as varchar), '%Y%m%d'), "
            ~ 'in the relation.'
            if holdfast._is_number_type(have) else 'Cast it in the relation.')
    ) -%}
{% endmacro %}


{#- The first day of a month, which may be written as any of its days or moments, or as text such as 2026-01. -#}
{% macro _as_month(name, have, column) %}
    {%- set month = 'cast(date_trunc(' ~ holdfast.text('month') ~ ', ' ~ holdfast._as_time(name, have, column) ~ ') as date)' -%}
    {%- if holdfast._is_text_type(have) -%}
        {%- set text = 'trim(cast(' ~ name ~ ' as ' ~ holdfast._sql_type('text') ~ '))' -%}
        {{- return(
            'case when ' ~ holdfast.matches(text, '^[0-9]{4}-[0-9]{2}$') ~ ' then cast(' ~ text ~ ' || '
            ~ holdfast.text('-01') ~ ' as date) else ' ~ month ~ ' end'
        ) -}}
    {%- endif -%}
    {{- return(month) -}}
{% endmacro %}


{#- The moment that a text tells by ISO 8601: with its offset, or in UTC where it has none. -#}
{% macro _read_time(name, column) %}
    {{- return(adapter.dispatch('_read_time', 'holdfast')(name, column)) -}}
{% endmacro %}

{#-
  A moment that may be missing, since it is still to come or nobody wrote it down: systems say so by dates that are far off,
  or by the first day that they know. The `end` of something is that moment itself; where only a day is told, or its last
  minute, it is the midnight after, for what ended on the 31st ran through the 31st.
-#}
{% macro _as_later_time(name, have, kind, column) %}
    {{- return(adapter.dispatch('_as_later_time', 'holdfast')(name, have, kind, column)) -}}
{% endmacro %}

{#-
  A number. What is neither missing nor a value (NaN, infinity) is missing; as the amount of an order it is an error, and so
  is what the type cannot hold. An order stays an order, and a return a return, however little it is worth: below half of
  the last digit it would be neither. `key` is the column that tells which row.
-#}
{% macro _as_number(name, have, kind, column, key=none) %}
    {%- if not holdfast._is_number_type(have) and not (holdfast._is_text_type(have) and have != 'UUID') and have != 'BOOLEAN' -%}
        {%- do exceptions.raise_compiler_error(column ~ ' is ' ~ have ~ ', and must be a number. Cast it in the relation.') -%}
    {%- endif -%}
    {{- return(adapter.dispatch('_as_number', 'holdfast')(name, have, kind, column, key)) -}}
{% endmacro %}
