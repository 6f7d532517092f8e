{#- A SQL expression: a timestamp as a JSON string, `"2026-01-31T23:59:59Z"`; NULL for one that JSON's readers cannot take. -#}
{% macro json_time(at) %}
    {{- return(
        'case when ' ~ at ~ " between timestamp '1000-01-01' and timestamp '9999-12-31' then '\"' || replace(substr(cast(" ~ at
        ~ " as varchar), 1, 19), ' ', 'T') || 'Z\"' end"
    ) -}}
{% endmacro %}
