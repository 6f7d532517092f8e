{#- Column names (lower case) and types of a relation or table function, as the warehouse describes them. -#}
{% macro _column_types(relation) %}
    {%- set types = {} -%}
    {%- for column in get_column_schema_from_query('select * from ' ~ relation) -%}
        {%- do types.update({column.name | lower: column.dtype | upper}) -%}
    {%- endfor -%}
    {{- return(types) -}}
{% endmacro %}


{% macro _is_text_type(type) %}
    {{- return(modules.re.match('(VARCHAR|TEXT|STRING|CHAR|UUID)', type | upper) is not none) -}}
{% endmacro %}


{#- The type of a kind of column: text, timestamp, money, number or boolean. -#}
{% macro _sql_type(kind) %}
    {{- return(adapter.dispatch('_sql_type', 'holdfast')(kind)) -}}
{% endmacro %}


{#- A timestamp with a time zone becomes the UTC wall clock, whatever the session's own zone is. -#}
{% macro _cast_column(name, have, kind) %}
    {%- if kind == 'timestamp' and 'TIME ZONE' in have -%}
        {{- return(holdfast.as_utc(name)) -}}
    {%- else -%}
        {{- return('cast(' ~ name ~ ' as ' ~ holdfast._sql_type(kind) ~ ')') -}}
    {%- endif -%}
{% endmacro %}
