{#-
  Holdfast's SQL for Spark 4. What has no macro here Spark does not write, or nobody has tried yet: dbt then stops the
  compile with the name of the macro. The features and scores of a project do not build on Spark yet.
-#}

{% macro spark__days_between(earlier, later) %}
    {{- return('timestampdiff(day, ' ~ earlier ~ ', ' ~ later ~ ')') -}}
{% endmacro %}


{% macro spark__months_between(earlier, later) %}
    {{- return('timestampdiff(month, ' ~ earlier ~ ', ' ~ later ~ ')') -}}
{% endmacro %}


{% macro spark__whole_numbers(last) %}
    {{- return('explode(sequence(0, ' ~ last ~ '))') -}}
{% endmacro %}


{% macro spark__months(first, last) -%}
select cast(month as date) as month
    from (
        select explode(sequence(
            date_trunc('month', {{ first }}), date_trunc('month', {{ last }}), interval 1 month
        )) as month
    ) as months
{%- endmacro %}


{% macro spark__plus_days(at, days) %}
    {{- return(at ~ ' + make_dt_interval(' ~ days ~ ')') -}}
{% endmacro %}


{% macro spark__plus_months(at, months) %}
    {{- return(at ~ ' + make_ym_interval(0, ' ~ months ~ ')') -}}
{% endmacro %}


{#- A timestamp of Spark is a moment; without time zone it is what the session's clock shows, until it is converted. -#}
{% macro spark__as_utc(moment) %}
    {{- return("convert_timezone(current_timezone(), 'UTC', cast(" ~ moment ~ ' as timestamp_ntz))') -}}
{% endmacro %}


{% macro spark__local_time(at, time_zone) %}
    {{- return("convert_timezone('UTC', " ~ time_zone ~ ', cast(' ~ at ~ ' as timestamp_ntz))') -}}
{% endmacro %}


{% macro spark__utc_time(at, time_zone) %}
    {{- return('convert_timezone(' ~ time_zone ~ ", 'UTC', cast(" ~ at ~ ' as timestamp_ntz))') -}}
{% endmacro %}


{#- Spark has no list of them. dbt brings the one of pytz, of which an older Java does not know all. -#}
{% macro spark__time_zone_names() -%}
    {%- set names = [] -%}
    {%- for name in modules.pytz.all_timezones -%}
        {%- do names.append(holdfast.text(name)) -%}
    {%- endfor -%}
select time_zone
from (select explode(array({{ names | join(', ') }})) as time_zone) as names
where try_make_timestamp(2024, 1, 1, 0, 0, 0, time_zone) is not null
{%- endmacro %}


{#- A decimal, for a sum of such numbers would not fit into a bigint. -#}
{% macro spark__row_hash(columns) %}
    {{- return('cast(xxhash64(' ~ columns | join(', ') ~ ') as decimal(38, 0))') -}}
{% endmacro %}


{#- The last eight bytes of the digest, the last of them first, as DuckDB's md5_number_lower reads them. -#}
{% macro spark__stable_number(text) %}
    {%- set bytes = [] -%}
    {%- for start in range(31, 16, -2) -%}
        {%- do bytes.append('substr(md5(cast(' ~ text ~ ' as string)), ' ~ start ~ ', 2)') -%}
    {%- endfor -%}
    {{- return('cast(conv(concat(' ~ bytes | join(', ') ~ '), 16, 10) as decimal(20, 0))') -}}
{% endmacro %}


{% macro spark__sha256(text) %}
    {{- return('sha2(' ~ text ~ ', 256)') -}}
{% endmacro %}


{% macro spark__json_text(json, key) %}
    {{- return('get_json_object(' ~ json ~ ', ' ~ holdfast.text('$.' ~ key) ~ ')') -}}
{% endmacro %}


{#- to_json takes no text alone: it stands in a list, whose brackets are taken off. -#}
{% macro spark__json_string(text) %}
    {%- set list = 'to_json(array(' ~ text ~ '))' -%}
    {{- return('case when ' ~ text ~ ' is not null then substr(' ~ list ~ ', 2, length(' ~ list ~ ') - 2) end') -}}
{% endmacro %}


{% macro spark__to_json_text(value) %}
    {{- return('to_json(' ~ value ~ ')') -}}
{% endmacro %}


{% macro spark__all_but(columns, relation) %}
    {{- return((relation ~ '.' if relation else '') ~ '* except (' ~ columns | join(', ') ~ ')') -}}
{% endmacro %}


{% macro spark__value_at_max(value, by) %}
    {{- return('max_by(' ~ value ~ ', ' ~ by ~ ')') -}}
{% endmacro %}


{% macro spark__matches(text, pattern) %}
    {{- return('regexp_like(' ~ text ~ ', ' ~ holdfast.text(pattern) ~ ')') -}}
{% endmacro %}


{% macro spark__list_of(items) %}
    {{- return('array(' ~ items | join(', ') ~ ')') -}}
{% endmacro %}


{% macro spark__list_item(list, position) %}
    {{- return('try_element_at(' ~ list ~ ', ' ~ position ~ ')') -}}
{% endmacro %}


{% macro spark__list_rows(list) %}
    {{- return('explode(' ~ list ~ ')') -}}
{% endmacro %}


{% macro spark__list_over(last, name, expression) %}
    {{- return('transform(sequence(0, cast(' ~ last ~ ' as int)), ' ~ name ~ ' -> ' ~ expression ~ ')') -}}
{% endmacro %}


{% macro spark__list_map(list, expression) %}
    {{- return(
        'transform(' ~ list ~ ', (item, place) -> ' ~ expression | replace('{item}', 'item') | replace('{position}', 'place') ~ ')'
    ) -}}
{% endmacro %}


{% macro spark__list_product(left, right) %}
    {{- return(
        'aggregate(zip_with(' ~ left ~ ', ' ~ right ~ ', (one, other) -> one * other), cast(0 as double), (total, item) -> total + item)'
    ) -}}
{% endmacro %}


{% macro spark__list_total(list) %}
    {{- return('aggregate(' ~ list ~ ', cast(0 as double), (total, item) -> total + item)') -}}
{% endmacro %}


{% macro spark__list_head(list, count) %}
    {{- return('slice(' ~ list ~ ', 1, cast(' ~ count ~ ' as int))') -}}
{% endmacro %}


{#-
  Spark has no such function. Stirling's series, of the number plus 8, where its five terms leave an error below 1e-12; the
  factors between the two are taken off.
-#}
{% macro spark__log_gamma(value) %}
    {%- set factors = [] -%}
    {%- for step in range(8) -%}
        {%- do factors.append('(' ~ value ~ ' + ' ~ step ~ 'e0)') -%}
    {%- endfor -%}
    {%- set z = '(' ~ value ~ ' + 8e0)' -%}
    {%- set small = '(1e0 / cast(' ~ z ~ ' * ' ~ z ~ ' as double))' -%}
    {{- return(
        '((' ~ z ~ ' - 0.5e0) * ln' ~ z ~ ' - ' ~ z ~ ' + 0.91893853320467274e0 + (1e0 - (1e0 - (1e0 - 0.75e0 * '
        ~ small ~ ' * (1e0 - 1.4141414141414141e0 * ' ~ small ~ ')) / 3.5e0 * ' ~ small ~ ') / 30e0 * ' ~ small ~ ') / 12e0 * ' ~ z ~ ' * '
        ~ small ~ ' - ln(' ~ factors | join(' * ') ~ '))'
    ) -}}
{% endmacro %}


{% macro spark__sorted_distinct(list) %}
    {{- return('array_sort(array_distinct(' ~ list ~ '))') -}}
{% endmacro %}


{% macro spark__unpivoted(relation, columns, keys=[]) -%}
select *
    from {{ relation }}
    unpivot include nulls (value for feature in ({{ columns | join(', ') }}))
{%- endmacro %}


{#- Texts are read by Python, which SQL of Spark cannot call; see docs/service.md. -#}
{% macro spark__assigned_topic(registry, model_ids, text) %}
    {%- do exceptions.raise_compiler_error(
        'Support topics are assigned by the DuckDB plugin only. Leave service out of the var `holdfast_systems` on Spark.'
    ) -%}
{% endmacro %}


{% macro spark__masked_text(registry, model_id, text) %}
    {%- do exceptions.raise_compiler_error(
        'Support topics are shown by the DuckDB plugin only. Leave service out of the var `holdfast_systems` on Spark.'
    ) -%}
{% endmacro %}


{% macro spark__has_plugin() %}
    {{- return(false) -}}
{% endmacro %}


{% macro spark__select_error(message) %}
    {{- return('select raise_error(' ~ holdfast.text(message) ~ ')') -}}
{% endmacro %}


{#- Two quotes end a text of Spark and begin the next; a backslash keeps the quote, and itself. -#}
{% macro spark__text(value) %}
    {{- return("'" ~ (value | replace('\\', '\\\\') | replace("'", "\\'")) ~ "'") -}}
{% endmacro %}


{% macro spark__quoted(name) %}
    {{- return('`' ~ (name | replace('`', '``')) ~ '`') -}}
{% endmacro %}


{% macro spark___sql_type(kind) %}
    {%- set types = {
        'text': 'string', 'timestamp': 'timestamp', 'later': 'timestamp', 'end': 'timestamp',
        'amount': 'decimal(18, 4)', 'money': 'decimal(18, 4)', 'number': 'double', 'boolean': 'boolean', 'month': 'date',
    } -%}
    {{- return(types[kind]) -}}
{% endmacro %}


{% macro spark___without_blank(sql) %}
    {{- return("case when not rlike(" ~ sql ~ ", r'^[" ~ holdfast._invisible() ~ "]*$') then " ~ sql ~ ' end') -}}
{% endmacro %}


{#- Warehouses whose own cast takes the offset. -#}
{% macro spark___read_time(name, column) %}
    {{- return("to_utc_timestamp(cast(" ~ name ~ " as timestamp), current_timezone())") -}}
{% endmacro %}


{% macro spark___as_later_time(name, have, kind, column) %}
    {{- return(holdfast._as_time(name, have, column)) -}}
{% endmacro %}


{% macro spark___as_number(name, have, kind, column, key) %}
    {{- return('cast(' ~ name ~ ' as ' ~ holdfast._sql_type(kind) ~ ')') -}}
{% endmacro %}


{% macro spark__begin_run(tasks) %}
    {%- do exceptions.raise_compiler_error(
        'The target ' ~ target.name ~ ' of the profile is ' ~ target.type ~ ', but the models of Holdfast need DuckDB: choose '
        ~ 'a target of type duckdb. docs/spark.md says what works on Spark.'
    ) -%}
{% endmacro %}


{% macro spark__check_session() %}
    {{- return('') -}}
{% endmacro %}


{% macro spark__same_id(id, is_whole) %}
    {%- set plain = 'cast(' ~ id ~ ' as string)' -%}
    {{- return(plain if is_whole else 'regexp_replace(trim(' ~ plain ~ '), ' ~ holdfast.text('^(-?[0-9]+)[.]0+$') ~ ", '$1')") -}}
{% endmacro %}


{% macro spark___grouped_number(whole, separator) %}
    {{- return('replace(format_number(' ~ whole ~ ", 0), ',', " ~ holdfast.text(separator) ~ ')') -}}
{% endmacro %}
