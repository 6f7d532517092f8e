{#- A SQL expression: a list of the SQL expressions `items`. -#}
{% macro list_of(items) %}
    {{- return(adapter.dispatch('list_of', 'holdfast')(items)) -}}
{% endmacro %}
