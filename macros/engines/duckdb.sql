{#-
  Holdfast's SQL for DuckDB, all of it that another engine writes otherwise: what each macro gives is said where it is
  dispatched, in macros/sql/. A new engine is a file like this one.
-#}

{% macro duckdb__days_between(earlier, later) %}
    {{- return("date_sub('day', " ~ earlier ~ ', ' ~ later ~ ')') -}}
{% endmacro %}


{% macro duckdb__months_between(earlier, later) %}
    {{- return("date_sub('month', " ~ earlier ~ ', ' ~ later ~ ')') -}}
{% endmacro %}


{% macro duckdb__whole_numbers(last) %}
    {{- return('unnest(range(' ~ last ~ ' + 1))') -}}
{% endmacro %}


{% macro duckdb__months(first, last) -%}
select cast(unnest(generate_series(
        date_trunc('month', {{ first }}), date_trunc('month', {{ last }}), interval 1 month
    )) as date) as month
{%- endmacro %}


{% macro duckdb__plus_days(at, days) %}
    {{- return(at ~ ' + to_days(' ~ days ~ ')') -}}
{% endmacro %}


{#-
  Months are added, also fewer than none: DuckDB 1.5 holds `as_of - interval 1 month` and `as_of - interval 30 day` for one
  and the same expression (the two intervals compare as equal) and would compute only the first.
-#}
{% macro duckdb__plus_months(at, months) %}
    {{- return(at ~ ' + ' ~ ('interval (' ~ months ~ ') month' if months is integer else 'to_months(' ~ months ~ ')')) -}}
{% endmacro %}


{% macro duckdb__as_utc(moment) %}
    {{- return(moment ~ " at time zone 'UTC'") -}}
{% endmacro %}


{% macro duckdb__local_time(at, time_zone) %}
    {{- return('timezone(' ~ time_zone ~ ", timezone('UTC', " ~ at ~ '))') -}}
{% endmacro %}


{% macro duckdb__utc_time(at, time_zone) %}
    {{- return("timezone('UTC', timezone(" ~ time_zone ~ ', ' ~ at ~ '))') -}}
{% endmacro %}


{% macro duckdb__time_zone_names() -%}
select name as time_zone from pg_timezone_names()
{%- endmacro %}


{% macro duckdb__row_hash(columns) %}
    {{- return('hash(' ~ columns | join(', ') ~ ')') -}}
{% endmacro %}


{% macro duckdb__stable_number(text) %}
    {{- return('md5_number_lower(cast(' ~ text ~ ' as varchar))') -}}
{% endmacro %}


{% macro duckdb__sha256(text) %}
    {{- return('sha256(' ~ text ~ ')') -}}
{% endmacro %}


{% macro duckdb__json_text(json, key) %}
    {{- return(json ~ ' ->> ' ~ holdfast.text('$.' ~ key)) -}}
{% endmacro %}


{% macro duckdb__json_string(text) %}
    {{- return('cast(to_json(' ~ text ~ ') as varchar)') -}}
{% endmacro %}


{% macro duckdb__to_json_text(value) %}
    {{- return('cast(to_json(' ~ value ~ ') as varchar)') -}}
{% endmacro %}


{% macro duckdb__all_but(columns, relation) %}
    {{- return((relation ~ '.' if relation else '') ~ '* exclude (' ~ columns | join(', ') ~ ')') -}}
{% endmacro %}


{% macro duckdb__all_with(expressions) %}
    {%- set replaced = [] -%}
    {%- for column, expression in expressions.items() -%}
        {%- do replaced.append(expression ~ ' as ' ~ column) -%}
    {%- endfor -%}
    {{- return('* replace (' ~ replaced | join(', ') ~ ')') -}}
{% endmacro %}


{% macro duckdb__value_at_max(value, by) %}
    {{- return('arg_max(' ~ value ~ ', ' ~ by ~ ')') -}}
{% endmacro %}


{% macro duckdb__matches(text, pattern) %}
    {{- return('regexp_matches(' ~ text ~ ', ' ~ holdfast.text(pattern) ~ ')') -}}
{% endmacro %}


{% macro duckdb__list_of(items) %}
    {{- return('[' ~ items | join(', ') ~ ']') -}}
{% endmacro %}


{% macro duckdb__list_item(list, position) %}
    {{- return(list ~ '[' ~ position ~ ']') -}}
{% endmacro %}


{% macro duckdb__list_rows(list) %}
    {{- return('unnest(' ~ list ~ ')') -}}
{% endmacro %}


{% macro duckdb__list_over(last, name, expression) %}
    {{- return('list_transform(range(cast(' ~ last ~ ' as bigint) + 1), lambda ' ~ name ~ ': ' ~ expression ~ ')') -}}
{% endmacro %}


{#- Not a lambda of two parameters, which DuckDB has, too: sqlfluff does not read it. -#}
{% macro duckdb__list_map(list, expression) %}
    {{- return(
        'list_transform(list_zip(' ~ list ~ ', range(len(' ~ list ~ '))), lambda pair: '
        ~ expression | replace('{item}', 'pair[1]') | replace('{position}', 'pair[2]') ~ ')'
    ) -}}
{% endmacro %}


{% macro duckdb__list_product(left, right) %}
    {{- return('list_inner_product(' ~ left ~ ', ' ~ right ~ ')') -}}
{% endmacro %}


{% macro duckdb__list_total(list) %}
    {{- return('coalesce(list_sum(' ~ list ~ '), 0e0)') -}}
{% endmacro %}


{% macro duckdb__list_head(list, count) %}
    {{- return(list ~ '[1 : ' ~ count ~ ']') -}}
{% endmacro %}


{% macro duckdb__log_gamma(value) %}
    {{- return('lgamma(' ~ value ~ ')') -}}
{% endmacro %}


{% macro duckdb__sorted_distinct(list) %}
    {{- return('list_sort(list_distinct(' ~ list ~ "), 'asc', 'nulls last')") -}}
{% endmacro %}


{% macro duckdb__unpivoted(relation, columns, keys=[]) -%}
select *
    from {{ relation }}
    unpivot include nulls (value for feature in (columns(*{{ ' exclude (' ~ keys | join(', ') ~ ')' if keys }})))
{%- endmacro %}


{#- Holdfast's plugin registers the functions holdfast_predict and holdfast_contributions. -#}
{% macro duckdb__call_model(output, registry, model_id, columns) %}
    {{- return(
        'holdfast_' ~ output ~ '(' ~ holdfast.text(registry | string) ~ ', ' ~ holdfast.text(model_id) ~ ', ' ~ columns | join(', ') ~ ')'
    ) -}}
{% endmacro %}


{% macro duckdb__assigned_topic(registry, model_ids, text) %}
    {{- return(
        'holdfast_topics(' ~ holdfast.text(registry | string) ~ ', ' ~ holdfast.text(model_ids | join(',')) ~ ', ' ~ text ~ ')'
    ) -}}
{% endmacro %}


{% macro duckdb__masked_text(registry, model_id, text) %}
    {{- return(
        'holdfast_masked_text(' ~ holdfast.text(registry | string) ~ ', ' ~ holdfast.text(model_id) ~ ', ' ~ text ~ ')'
    ) -}}
{% endmacro %}


{% macro duckdb__table_comment(relation) %}
    {{- return(
        'select max(comment) from duckdb_tables() where database_name = ' ~ holdfast.text(relation.database) ~ ' and schema_name = '
        ~ holdfast.text(relation.schema) ~ ' and table_name = ' ~ holdfast.text(relation.identifier)
    ) -}}
{% endmacro %}


{% macro duckdb__has_plugin() %}
    {{- return(true) -}}
{% endmacro %}


{% macro duckdb__select_error(message) %}
    {{- return('select error(' ~ holdfast.text(message) ~ ')') -}}
{% endmacro %}


{% macro duckdb__text(value) %}
    {{- return("'" ~ (value | replace("'", "''")) ~ "'") -}}
{% endmacro %}


{% macro duckdb__quoted(name) %}
    {{- return('"' ~ (name | replace('"', '""')) ~ '"') -}}
{% endmacro %}


{% macro duckdb___sql_type(kind) %}
    {%- set types = {
        'text': 'varchar', 'timestamp': 'timestamp', 'later': 'timestamp', 'end': 'timestamp',
        'amount': 'decimal(18, 4)', 'money': 'decimal(18, 4)', 'number': 'double', 'boolean': 'boolean', 'month': 'date',
    } -%}
    {{- return(types[kind]) -}}
{% endmacro %}


{% macro duckdb___without_blank(sql) %}
    {{- return("case when not regexp_full_match(" ~ sql ~ ", '[" ~ holdfast._invisible() ~ "]*') then " ~ sql ~ ' end') -}}
{% endmacro %}


{% macro duckdb___read_time(name, column) %}
    {%- set pattern = '\\s*([0-9]{4}-[0-9]{2}-[0-9]{2})(?:[T ]([0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:[.,][0-9]+)?)?))?'
        ~ '\\s*(Z|UTC|GMT|[+-][0-9]{2}(?::?[0-9]{2})?)?\\s*' -%}
    {%- set text = 'cast(' ~ name ~ ' as varchar)' -%}
    {%- set part = "regexp_extract(" ~ text ~ ", '(?i)^" ~ pattern ~ "$', " -%}
    {%- set clock = "case length(" ~ part ~ "2)) when 0 then '00:00:00' when 5 then " ~ part ~ "2) || ':00' else replace(" ~ part ~ "2), ',', '.') end" -%}
    {%- set zone = "case when " ~ part ~ "3) in ('', 'Z', 'z') or " ~ part ~ "3) ilike 'utc' or "
        ~ part ~ "3) ilike 'gmt' then '+00' else " ~ part ~ "3) end" -%}
    {%- set message = column ~ " holds text that is no time as ISO 8601 writes it, such as '" -%}
    {%- set advice = "'. Write 2026-01-31 23:59:59, which is taken as UTC, or with an offset, "
        ~ "2026-01-31T23:59:59+02:00; or convert it in the relation, such as strptime("
        ~ name ~ ", '%d/%m/%Y %H:%M')." -%}
    {{- return(
        "case when not regexp_full_match(" ~ text ~ ", '[" ~ holdfast._invisible() ~ "]*') then coalesce(try_cast("
        ~ part ~ "1) || ' ' || " ~ clock ~ " || " ~ zone ~ " as timestamptz) at time zone 'UTC', error("
        ~ holdfast.text(message) ~ ' || ' ~ text ~ ' || ' ~ holdfast.text(advice) ~ ')) end'
    ) -}}
{% endmacro %}


{% macro duckdb___as_later_time(name, have, kind, column) %}
    {%- set moment = holdfast._as_time(name, have, column) -%}
    {%- set told = moment -%}
    {%- if kind == 'end' and have == 'DATE' -%}
        {%- set told = moment ~ ' + interval 1 day' -%}
    {%- elif kind == 'end' -%}
        {%- set is_day = ' or length(trim(' ~ name ~ ')) = 10' if holdfast._is_text_type(have) else '' -%}
        {%- set told = 'case when cast(' ~ moment ~ " as time) >= time '23:59:00' " ~ is_day ~ " then date_trunc('day', " ~ moment
            ~ ') + interval 1 day else ' ~ moment ~ ' end' -%}
    {%- endif -%}
    {{- return(
        'case when isfinite(' ~ moment ~ ') and ' ~ moment ~ " < timestamp '9000-01-01' and " ~ moment
        ~ " > timestamp '1902-01-01' and " ~ moment ~ " != timestamp '1970-01-01' then " ~ told ~ ' end'
    ) -}}
{% endmacro %}


{% macro duckdb___as_number(name, have, kind, column, key) %}
    {%- set type = holdfast._sql_type(kind) -%}
    {%- set is_text = holdfast._is_text_type(have) -%}
    {%- set is_float = holdfast._is_float_type(have) -%}
    {%- if modules.re.fullmatch('U?(TINY|SMALL)?INT(EGER)?|BOOLEAN', have) or (kind == 'number' and not is_text and not is_float) -%}
        {{- return('cast(' ~ name ~ ' as ' ~ type ~ ')') -}}
    {%- endif -%}
    {%- set row = " || ' in the row with " ~ key ~ " ' || coalesce(cast(" ~ holdfast.quoted(key) ~ " as varchar), 'NULL')" if key else '' -%}
    {%- set told = holdfast.text(column ~ ' is ') ~ ' || cast(' ~ name ~ ' as varchar)' ~ row ~ ' || ' -%}
    {%- set value = name if is_float else 'try_cast(' ~ name ~ ' as double)' -%}
    {%- set cases = [] -%}
    {%- if is_text -%}
        {%- do cases.append("when trim(" ~ name ~ ") = '' then null") -%}
        {%- do cases.append('when ' ~ value ~ ' is null then error(' ~ told ~ holdfast.text(
            ', which is not a number. Convert it, or make it NULL, in the relation, such as try_cast(replace(' ~ name ~ ", ',', '.') as double)."
        ) ~ ')') -%}
    {%- endif -%}
    {%- if is_text or is_float -%}
        {%- do cases.append('when not isfinite(' ~ value ~ ') then ' ~ ('error(' ~ told ~ holdfast.text(
            ', which is not an amount. Leave the row out of the relation, or correct its amount.'
        ) ~ ')' if kind == 'amount' else 'null')) -%}
    {%- endif -%}
    {%- if kind == 'amount' -%}
        {%- do cases.append('when ' ~ value ~ ' > 0e0 and ' ~ value ~ ' < 5e-5 then 0.0001') -%}
        {%- do cases.append('when ' ~ value ~ ' < 0e0 and ' ~ value ~ ' > -5e-5 then -0.0001') -%}
    {%- endif -%}
    {#- the parts of a CASE share one type, and only the last one is sure to be in it -#}
    {{- return(
        'case when ' ~ name ~ ' is null then null ' ~ cases | join(' ') ~ ' else coalesce(try_cast(' ~ name ~ ' as ' ~ type
        ~ '), error(' ~ told ~ holdfast.text(', more than ' ~ type ~ ' holds.') ~ ')) end'
    ) -}}
{% endmacro %}


{% macro duckdb__begin_run(tasks) %}
    {%- set is_there = run_query(
        "select count(*) from duckdb_functions() where function_name = 'holdfast_begin_run'"
    ).columns[0].values()[0] -%}
    {%- set wanted = 'dbt-holdfast==' ~ holdfast.version() -%}
    {%- if not is_there -%}
        {%- do exceptions.raise_compiler_error(
            'The dbt profile does not load the plugin of Holdfast ' ~ holdfast.version() ~ '. Install ' ~ wanted
            ~ ' in the environment of dbt, and add to the target in profiles.yml:  plugins: [{module: holdfast.plugin}]'
        ) -%}
    {%- endif -%}
    {%- set told = {'version': holdfast.version(), 'tasks': tasks, 'reset': holdfast.setting('reset')} -%}
    {%- set answer = run_query('select holdfast_begin_run(' ~ holdfast.text(tojson(told)) ~ ')').columns[0].values()[0] -%}
    {%- if answer -%}
        {%- do exceptions.raise_compiler_error(answer) -%}
    {%- endif -%}
{% endmacro %}


{% macro duckdb___widen(existing, sql, drop_others) %}
    {%- set new_types = {} -%}
    {%- for column in get_column_schema_from_query(sql) -%}
        {%- do new_types.update({column.name | lower: column.dtype}) -%}
    {%- endfor -%}
    {%- set changes = [] -%}
    {%- for column in adapter.get_columns_in_relation(existing) -%}
        {%- set now = new_types.get(column.name | lower) -%}
        {%- if now is none and drop_others -%}
            {%- do changes.append('alter table ' ~ existing ~ ' drop column ' ~ holdfast.quoted(column.name)) -%}
        {%- elif now is not none and now != column.dtype -%}
            {%- set both = holdfast._common_type(column.dtype, now) -%}
            {%- if both is none -%}
                {%- do holdfast._refuse_type(existing, column.name, column.dtype, now) -%}
            {%- elif both != column.dtype -%}
                {%- do changes.append('alter table ' ~ existing ~ ' alter column ' ~ holdfast.quoted(column.name) ~ ' set data type ' ~ both) -%}
                {%- do log(
                    existing.identifier ~ '.' ~ column.name ~ ' was ' ~ column.dtype ~ ' and is now ' ~ now ~ '; the column becomes ' ~ both, info=true
                ) -%}
            {%- endif -%}
        {%- endif -%}
    {%- endfor -%}
    {{- changes | join(';\n') -}}
{% endmacro %}


{% macro duckdb__check_session() %}
    {%- set needed = {
        'default_collation': ['', 'ids that differ only in case or accents would count as one customer', 'collate the columns that need it'],
        'Calendar': ['gregorian', 'times would be shown in years of another calendar', 'convert dates where you show them'],
        'arrow_lossless_conversion': ['false', 'counts would reach training as bytes', 'set it in the session that exports'],
    } -%}
    {%- set found = run_query('select name, value from duckdb_settings()') -%}
    {%- for row in found.rows if row[0] in needed and (row[1] or '') | lower != needed[row[0]][0] -%}
        {%- do exceptions.raise_compiler_error(
            'The session has the setting ' ~ row[0] ~ ': ' ~ row[1] ~ ', with which ' ~ needed[row[0]][1]
            ~ '. Remove it from `settings` of the target ' ~ target.name ~ ' in profiles.yml, and ' ~ needed[row[0]][2] ~ ' instead.'
        ) -%}
    {%- endfor -%}
{% endmacro %}


{% macro duckdb__same_id(id, is_whole) %}
    {%- set plain = 'cast(' ~ id ~ ' as varchar)' -%}
    {{- return(plain if is_whole else 'regexp_replace(trim(' ~ plain ~ '), ' ~ holdfast.text('^(-?[0-9]+)[.]0+$') ~ ", '\\1')") -}}
{% endmacro %}


{% macro duckdb___grouped_number(whole, separator) %}
    {{- return("replace(format('{:,}', " ~ whole ~ "), ',', " ~ holdfast.text(separator) ~ ')') -}}
{% endmacro %}
