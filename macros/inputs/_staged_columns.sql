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

{% macro default___without_blank(sql) %}
    {{- return("case when not regexp_full_match(" ~ sql ~ ", '[" ~ holdfast._invisible() ~ "]*') then " ~ sql ~ ' end') -}}
{% endmacro %}

{% macro spark___without_blank(sql) %}
    {{- return("case when not rlike(" ~ sql ~ ", r'^[" ~ holdfast._invisible() ~ "]*$') then " ~ sql ~ ' end') -}}
{% endmacro %}


{#- Refuses ids of types in which two ids can become one, with the cast to write. -#}
{% macro _check_id_type(have, name, column) %}
    {%- if holdfast._is_float_type(have) -%}
        {%- do exceptions.raise_compiler_error(
            column ~ ' is ' ~ have ~ ', a floating-point number, in which different ids become one: it holds whole numbers '
            ~ 'only up to ' ~ ('16,777,216' if have in ['FLOAT', 'REAL'] else '9,007,199,254,740,992') ~ '. Where the numbers are '
            ~ 'smaller, write cast(' ~ name ~ ' as bigint) in the relation. Where they are longer, digits are lost already: have '
            ~ "them read as text, such as read_csv('orders.csv', types={" ~ "'" ~ name | replace('"', '') ~ "': 'varchar'}), or cast them "
            ~ 'to varchar or hugeint where they come from.'
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
        ~ ('Seconds since 1970 take to_timestamp(' ~ name ~ '), milliseconds epoch_ms(cast(' ~ name ~ ' as bigint)), microseconds '
            ~ 'make_timestamp(cast(' ~ name ~ ' as bigint)), days written as 20260131 strptime(cast(' ~ name ~ " as varchar), '%Y%m%d'): write "
            ~ 'the one that fits in the relation.'
            if holdfast._is_number_type(have) else 'Cast it in the relation.')
    ) -%}
{% endmacro %}


{#- The moment that a text tells by ISO 8601: with its offset, or in UTC where it has none. -#}
{% macro _read_time(name, column) %}
    {{- return(adapter.dispatch('_read_time', 'holdfast')(name, column)) -}}
{% endmacro %}

{% macro default___read_time(name, column) %}
    {%- set pattern = '\\s*([0-9]{4}-[0-9]{2}-[0-9]{2})(?:[T ]([0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:[.,][0-9]+)?)?))?\\s*(Z|UTC|GMT|[+-][0-9]{2}(?::?[0-9]{2})?)?\\s*' -%}
    {%- set text = 'cast(' ~ name ~ ' as varchar)' -%}
    {%- set part = "regexp_extract(" ~ text ~ ", '(?i)^" ~ pattern ~ "$', " -%}
    {%- set clock = "case length(" ~ part ~ "2)) when 0 then '00:00:00' when 5 then " ~ part ~ "2) || ':00' else replace(" ~ part ~ "2), ',', '.') end" -%}
    {%- set zone = "case when " ~ part ~ "3) in ('', 'Z', 'z') or " ~ part ~ "3) ilike 'utc' or " ~ part ~ "3) ilike 'gmt' then '+00' else " ~ part ~ "3) end" -%}
    {%- set message = column ~ " holds text that is no time as ISO 8601 writes it, such as '" -%}
    {%- set advice = "'. Write 2026-01-31 23:59:59, which is taken as UTC, or with an offset, 2026-01-31T23:59:59+02:00; or convert it in the relation, such as strptime("
        ~ name ~ ", '%d/%m/%Y %H:%M')." -%}
    {{- return(
        "case when not regexp_full_match(" ~ text ~ ", '[" ~ holdfast._invisible() ~ "]*') then coalesce(try_cast("
        ~ part ~ "1) || ' ' || " ~ clock ~ " || " ~ zone ~ " as timestamptz) at time zone 'UTC', error("
        ~ holdfast._text(message) ~ ' || ' ~ text ~ ' || ' ~ holdfast._text(advice) ~ ')) end'
    ) -}}
{% endmacro %}


{#- Warehouses whose own cast takes the offset. -#}
{% macro spark___read_time(name, column) %}
    {{- return("to_utc_timestamp(cast(" ~ name ~ " as timestamp), current_timezone())") -}}
{% endmacro %}


{#-
  A moment that may be missing, since it is still to come or nobody wrote it down: systems say so by dates that are far off,
  or by the first day that they know. The `end` of something is that moment itself; where only a day is told, or its last
  minute, it is the midnight after, for what ended on the 31st ran through the 31st.
-#}
{% macro _as_later_time(name, have, kind, column) %}
    {{- return(adapter.dispatch('_as_later_time', 'holdfast')(name, have, kind, column)) -}}
{% endmacro %}

{% macro default___as_later_time(name, have, kind, column) %}
    {%- set moment = holdfast._as_time(name, have, column) -%}
    {%- set told = moment -%}
    {%- if kind == 'end' and have == 'DATE' -%}
        {%- set told = moment ~ ' + interval 1 day' -%}
    {%- elif kind == 'end' -%}
        {%- set is_day = ' or length(trim(' ~ name ~ ')) = 10' if holdfast._is_text_type(have) else '' -%}
        {%- set told = 'case when cast(' ~ moment ~ " as time) >= time '23:59:00'" ~ is_day ~ " then date_trunc('day', " ~ moment
            ~ ') + interval 1 day else ' ~ moment ~ ' end' -%}
    {%- endif -%}
    {{- return(
        'case when isfinite(' ~ moment ~ ') and ' ~ moment ~ " < timestamp '9000-01-01' and " ~ moment
        ~ " > timestamp '1902-01-01' and " ~ moment ~ " != timestamp '1970-01-01' then " ~ told ~ ' end'
    ) -}}
{% endmacro %}

{% macro spark___as_later_time(name, have, kind, column) %}
    {{- return(holdfast._as_time(name, have, column)) -}}
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

{% macro default___as_number(name, have, kind, column, key) %}
    {%- set type = holdfast._sql_type(kind) -%}
    {%- set is_text = holdfast._is_text_type(have) -%}
    {%- set is_float = holdfast._is_float_type(have) -%}
    {%- if modules.re.fullmatch('U?(TINY|SMALL)?INT(EGER)?|BOOLEAN', have) or (kind == 'number' and not is_text and not is_float) -%}
        {{- return('cast(' ~ name ~ ' as ' ~ type ~ ')') -}}
    {%- endif -%}
    {%- set row = " || ' in the row with " ~ key ~ " ' || coalesce(cast(" ~ adapter.quote(key) ~ " as varchar), 'NULL')" if key else '' -%}
    {%- set told = holdfast._text(column ~ ' is ') ~ ' || cast(' ~ name ~ ' as varchar)' ~ row ~ ' || ' -%}
    {%- set value = name if is_float else 'try_cast(' ~ name ~ ' as double)' -%}
    {%- set cases = [] -%}
    {%- if is_text -%}
        {%- do cases.append("when trim(" ~ name ~ ") = '' then null") -%}
        {%- do cases.append('when ' ~ value ~ ' is null then error(' ~ told ~ holdfast._text(
            ', which is no number. Make it one, or NULL, in the relation, such as try_cast(replace(' ~ name ~ ", ',', '.') as double)."
        ) ~ ')') -%}
    {%- endif -%}
    {%- if is_text or is_float -%}
        {%- do cases.append('when not isfinite(' ~ value ~ ') then ' ~ ('error(' ~ told ~ holdfast._text(
            ', which is no amount. Leave the row out of the relation, or give it the amount that it had.'
        ) ~ ')' if kind == 'amount' else 'null')) -%}
    {%- endif -%}
    {%- if kind == 'amount' -%}
        {%- do cases.append('when ' ~ value ~ ' > 0e0 and ' ~ value ~ ' < 5e-5 then 0.0001') -%}
        {%- do cases.append('when ' ~ value ~ ' < 0e0 and ' ~ value ~ ' > -5e-5 then -0.0001') -%}
    {%- endif -%}
    {#- the parts of a CASE share one type, and only the last one is sure to be in it -#}
    {{- return(
        'case when ' ~ name ~ ' is null then null ' ~ cases | join(' ') ~ ' else coalesce(try_cast(' ~ name ~ ' as ' ~ type
        ~ '), error(' ~ told ~ holdfast._text(', more than ' ~ type ~ ' holds.') ~ ')) end'
    ) -}}
{% endmacro %}

{% macro spark___as_number(name, have, kind, column, key) %}
    {{- return('cast(' ~ name ~ ' as ' ~ holdfast._sql_type(kind) ~ ')') -}}
{% endmacro %}
