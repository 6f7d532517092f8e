{#- Texts as SQL literals, a list. -#}
{% macro _texts(values) %}
    {%- set literals = [] -%}
    {%- for value in values -%}
        {%- do literals.append(holdfast.text(value)) -%}
    {%- endfor -%}
    {{- return(literals) -}}
{% endmacro %}
