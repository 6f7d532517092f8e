{#- Texts as SQL literals, a list. -#}
{% macro _texts(values) %}
    {%- set literals = [] -%}
    {%- for value in values -%}
        {%- do literals.append(holdfast.text(value)) -%}
    {%- endfor -%}
    {{- return(literals) -}}
{% endmacro %}


{#- A number as a SQL literal of type double. -#}
{% macro _double(number) %}
    {{- return('%.17e' | format(number | float)) -}}
{% endmacro %}
