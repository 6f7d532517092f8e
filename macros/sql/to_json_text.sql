{#- A SQL expression: any value as JSON, of type text. -#}
{% macro to_json_text(value) %}
    {{- return(adapter.dispatch('to_json_text', 'holdfast')(value)) -}}
{% endmacro %}
