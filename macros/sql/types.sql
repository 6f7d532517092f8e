{#- Column names (lower case) and types of a relation or table function, as the warehouse describes them. -#}
{% macro _column_types(relation) %}
    {%- set types = {} -%}
    {%- for column in get_column_schema_from_query('select * from ' ~ relation) -%}
        {%- do types.update({column.name | lower: column.dtype | upper}) -%}
    {%- endfor -%}
    {{- return(types) -}}
{% endmacro %}


{% macro _is_text_type(type) %}
    {{- return(modules.re.match('(VARCHAR|TEXT|STRING|CHAR|UUID|ENUM)', type | upper) is not none) -}}
{% endmacro %}


{#- Numbers that may be fractions without being exact: they can be NaN or infinite, too. -#}
{% macro _is_float_type(type) %}
    {{- return(modules.re.match('(FLOAT|DOUBLE|REAL)', type | upper) is not none) -}}
{% endmacro %}


{#- Numbers without fractions: what an id may be besides text. -#}
{% macro _is_whole_type(type) %}
    {{- return(modules.re.fullmatch(
        '(U?(TINY|SMALL|BIG|HUGE)?INT(EGER|[0-9]+)?|LONG|SHORT|BYTE|(DECIMAL|NUMERIC)\([0-9]+, ?0\))', type | upper
    ) is not none) -}}
{% endmacro %}


{% macro _is_number_type(type) %}
    {{- return(
        holdfast._is_float_type(type) or holdfast._is_whole_type(type)
        or modules.re.match('(DECIMAL|NUMERIC|BIGNUM|VARINT)', type | upper) is not none
    ) -}}
{% endmacro %}


{#- A date, or a moment, with or without a time zone. -#}
{% macro _is_time_type(type) %}
    {{- return(modules.re.match('(DATE$|TIMESTAMP)', type | upper) is not none) -}}
{% endmacro %}


{#- The type of a kind of column: text, timestamp, money, number or boolean. -#}
{% macro _sql_type(kind) %}
    {{- return(adapter.dispatch('_sql_type', 'holdfast')(kind)) -}}
{% endmacro %}


{#-
  A column as another type. A timestamp with a time zone becomes the UTC wall clock, whatever the session's own zone is;
  text becomes one by its offset. `column` is what messages call it.
-#}
{% macro _cast_column(name, have, kind, column=none) %}
    {%- if kind == 'timestamp' -%}
        {{- return(holdfast._as_time(name, have, column or 'The column ' ~ name)) -}}
    {%- else -%}
        {{- return('cast(' ~ name ~ ' as ' ~ holdfast._sql_type(kind) ~ ')') -}}
    {%- endif -%}
{% endmacro %}
