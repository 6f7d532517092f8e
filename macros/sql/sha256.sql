{#- A SQL expression: the SHA-256 digest of a text in lower-case hexadecimal digits, the same on every engine and in Python. -#}
{% macro sha256(text) %}
    {{- return(adapter.dispatch('sha256', 'holdfast')(text)) -}}
{% endmacro %}
