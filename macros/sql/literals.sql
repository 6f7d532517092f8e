{#- A text as a SQL literal. -#}
{% macro _text(value) %}
    {{- return("'" ~ (value | replace("'", "''")) ~ "'") -}}
{% endmacro %}


{#- A number as a SQL literal of type double. -#}
{% macro _double(number) %}
    {{- return("'%.17e'" | replace("'", '') | format(number | float)) -}}
{% endmacro %}
