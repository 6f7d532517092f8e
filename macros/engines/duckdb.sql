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


{% macro duckdb__row_hash(columns) %}
    {{- return('hash(' ~ columns | join(', ') ~ ')') -}}
{% endmacro %}


{% macro duckdb__stable_number(text) %}
    {{- return('md5_number_lower(cast(' ~ text ~ ' as varchar))') -}}
{% endmacro %}


{% macro duckdb__json_text(json, key) %}
    {{- return(json ~ " ->> '$." ~ key ~ "'") -}}
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
    {{- return('regexp_matches(' ~ text ~ ', ' ~ holdfast._text(pattern) ~ ')') -}}
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


{% macro duckdb__sorted_distinct(list) %}
    {{- return('list_sort(list_distinct(' ~ list ~ '))') -}}
{% endmacro %}


{% macro duckdb__unpivoted(relation, columns) -%}
select *
    from {{ relation }}
    unpivot include nulls (value for feature in (columns(*)))
{%- endmacro %}


{#- Holdfast's plugin registers the functions holdfast_predict and holdfast_contributions. -#}
{% macro duckdb__call_model(output, registry, model_id, columns) %}
    {{- return(
        'holdfast_' ~ output ~ '(' ~ holdfast._text(registry | string) ~ ', ' ~ holdfast._text(model_id) ~ ', ' ~ columns | join(', ') ~ ')'
    ) -}}
{% endmacro %}


{% macro duckdb__table_comment(relation) %}
    {{- return(
        "select max(comment) from duckdb_tables() where database_name = '" ~ relation.database ~ "' and schema_name = '"
        ~ relation.schema ~ "' and table_name = '" ~ relation.identifier ~ "'"
    ) -}}
{% endmacro %}


{% macro duckdb__has_plugin() %}
    {{- return(true) -}}
{% endmacro %}


{% macro duckdb__select_error(message) %}
    {{- return('select error(' ~ holdfast._text(message) ~ ')') -}}
{% endmacro %}


{% macro duckdb___text(value) %}
    {{- return("'" ~ (value | replace("'", "''")) ~ "'") -}}
{% endmacro %}


{% macro duckdb___sql_type(kind) %}
    {%- set types = {
        'text': 'varchar', 'timestamp': 'timestamp', 'money': 'decimal(18, 4)', 'number': 'double', 'boolean': 'boolean',
    } -%}
    {{- return(types[kind]) -}}
{% endmacro %}
