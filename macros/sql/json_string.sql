{#- A SQL expression: a text as a JSON string, cut after `length` characters, whatever it holds; NULL for NULL. -#}
{% macro json_string(value, length) %}
    {%- set text = 'cast(' ~ value ~ ' as varchar)' -%}
    {%- set cut = 'case when length(' ~ text ~ ') > ' ~ length ~ ' then substr(' ~ text ~ ', 1, ' ~ (length - 1) ~ ") || '…' else " ~ text ~ ' end' -%}
    {{- return(adapter.dispatch('json_string', 'holdfast')(cut)) -}}
{% endmacro %}
