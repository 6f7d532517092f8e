{#- The relation behind one input: the user's var, else the demo shop's file, else none. -#}
{% macro input_relation(input) %}
    {%- set relation = var('holdfast_' ~ input, none) -%}
    {%- if relation is not none and relation | string | trim != '' -%}
        {{- return(relation) -}}
    {%- elif holdfast._has_demo(input) -%}
        {{- return(source('holdfast_demo', input)) -}}
    {%- else -%}
        {{- return(none) -}}
    {%- endif -%}
{% endmacro %}
