{#-
  A SQL expression: the probability that a customer has not stopped, by an (M)BG/CNBD-k. In logarithms, for the two sides may
  both be larger or smaller than a double holds. Takes the arguments of btyd_stages.
-#}
{% macro btyd_alive(repeats, recency, age, model) %}
    {%- set stages = holdfast.btyd_stages(repeats, recency, age, model) | join(' + ') -%}
    {%- set orders = '(' ~ repeats ~ ' + case when ' ~ model ~ '.stops_at_first then 1 else 0 end)' -%}
    {%- set since = '(' ~ model ~ '.r + ' ~ model ~ '.k * ' ~ repeats ~ ') * ln((' ~ model ~ '.alpha + ' ~ age ~ ') / cast('
        ~ model ~ '.alpha + ' ~ recency ~ ' as double))' -%}
    {{- return(
        'case when ' ~ orders ~ ' < 1 then 1e0 else 1e0 / cast(1e0 + exp(least(ln(' ~ model ~ '.a / cast(' ~ model ~ '.b + ' ~ orders
        ~ ' - 1 as double)) + ' ~ since ~ ' - ln(' ~ stages ~ '), 700e0)) as double) end'
    ) -}}
{% endmacro %}
