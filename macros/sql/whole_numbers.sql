{#- A SQL expression for the select list: the whole numbers from 0 to `last`, a SQL expression, a row for each. -#}
{% macro whole_numbers(last) %}
    {{- return(adapter.dispatch('whole_numbers', 'holdfast')(last)) -}}
{% endmacro %}
