{#-
  A SQL expression: the mean of an aggregate's finite values, the same in whatever order the rows come. A sum of doubles ends
  differently in its last digits with each number of threads; here each value becomes a whole number of quadrillionths of
  `largest`, the greatest absolute value of them all, and whole numbers add up to the same in every order.
-#}
{% macro exact_mean(value, largest) %}
    {%- set number = 'cast(' ~ value ~ ' as double)' -%}
    {%- set finite = holdfast.is_finite(value) -%}
    {{- return(
        'cast(sum(case when ' ~ finite ~ ' then cast(round(coalesce(' ~ number ~ ' / cast(nullif(' ~ largest
        ~ ', 0) as double), 0) * 1e15) as decimal(38, 0)) end) as double)'
        ~ ' / cast(nullif(count(case when ' ~ finite ~ ' then 1 end), 0) as double)'
        ~ ' / 1e15 * max(' ~ largest ~ ')'
    ) -}}
{% endmacro %}
