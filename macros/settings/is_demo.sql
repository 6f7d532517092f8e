{#- The demo shop stands in for the inputs only where Holdfast is the root project and has no orders of its own. -#}
{% macro is_demo() %}
    {{- return(var('holdfast_demo', project_name == 'holdfast' and var('holdfast_orders', none) is none)) -}}
{% endmacro %}
