{#- Whether an input is there: named by its var, or the demo's. -#}
{% macro has_input(input) %}
    {{- return(holdfast.input_relation(input) is not none) -}}
{% endmacro %}
