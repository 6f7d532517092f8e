{#- A SQL expression: the value of a key of a JSON object, as text. -#}
{% macro json_text(json, key) %}
    {{- return(adapter.dispatch('json_text', 'holdfast')(json, key)) -}}
{% endmacro %}
