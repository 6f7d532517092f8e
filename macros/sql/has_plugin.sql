{#- Whether Holdfast's Python runs inside the warehouse, as functions that its SQL may call. -#}
{% macro has_plugin() %}
    {{- return(adapter.dispatch('has_plugin', 'holdfast')()) -}}
{% endmacro %}
