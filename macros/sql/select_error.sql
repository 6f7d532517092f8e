{#- A select that fails with a message. -#}
{% macro select_error(message) %}
    {{- return(adapter.dispatch('select_error', 'holdfast')(message)) -}}
{% endmacro %}
