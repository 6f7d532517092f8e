{#-
  A SQL expression: the share of a slot, of a customer's own activity and of what it is shrunk to. `counted` has the
  columns weight and weight_<slot>, `kernels` those of timing_kernels: aliases; `prior` is a SQL expression.
-#}
{% macro timing_mixed(unit, slot, counted, kernels, prior) %}
    {%- set reach = holdfast.timing_reach(unit) -%}
    {%- set near = [] -%}
    {%- set total = [] -%}
    {%- for distance in range(-reach, reach + 1) -%}
        {%- set bell = kernels ~ '.near_' ~ (distance | abs) -%}
        {%- do near.append(bell ~ ' * ' ~ counted ~ '.weight_' ~ holdfast._timing_neighbour(unit, slot, distance)) -%}
        {%- do total.append(bell) -%}
    {%- endfor -%}
    {{- return(
        '(coalesce((' ~ near | join(' + ') ~ ') / cast(nullif(' ~ total | join(' + ') ~ ', 0e0) as double), 0e0) + ' ~ kernels ~ '.concentration * ' ~ prior
        ~ ') / cast(nullif(coalesce(' ~ counted ~ '.weight, 0e0) + ' ~ kernels ~ '.concentration, 0e0) as double)'
    ) -}}
{% endmacro %}
