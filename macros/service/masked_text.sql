{#- A SQL expression: a text, shortened, with all masked but the words that a topic model may show. -#}
{% macro masked_text(registry, model_id, text) %}
    {{- return(adapter.dispatch('masked_text', 'holdfast')(registry, model_id, text)) -}}
{% endmacro %}
