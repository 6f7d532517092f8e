{#- A SQL expression: a whole number, 0 or more, that is drawn from a text and is the same in every build, on every engine. -#}
{% macro stable_number(text) %}
    {{- return(adapter.dispatch('stable_number', 'holdfast')(text)) -}}
{% endmacro %}
