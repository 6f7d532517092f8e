{#- A SQL condition: whether a regular expression is found in a text. -#}
{% macro matches(text, pattern) %}
    {{- return(adapter.dispatch('matches', 'holdfast')(text, pattern)) -}}
{% endmacro %}
