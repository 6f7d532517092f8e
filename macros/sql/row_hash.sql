{#- A SQL expression: a whole number that stands for the values of a row, the same in every build. Engines have their own. -#}
{% macro row_hash(columns) %}
    {{- return(adapter.dispatch('row_hash', 'holdfast')(columns)) -}}
{% endmacro %}
