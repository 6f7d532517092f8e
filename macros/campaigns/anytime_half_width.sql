{#-
  A SQL expression: half the width of a 95 % confidence sequence around the difference of two means. It holds at all looks together,
  so a test may be looked at every day and ended at any time. The asymptotic sequence of Waudby-Smith, Arbour, Sinha, Kennedy
  and Ramdas (Annals of Statistics 2024): a mixture over normal alternatives, tightest when both sides have 500 rows, where it is
  1.55 times as wide as the usual interval.

  `variance`: of the difference. `one` and `other`: the numbers of rows of the two sides. `comparisons`: how many differences are to hold
  together. All are SQL expressions.
-#}
{% macro anytime_half_width(variance, one, other, comparisons='1e0') %}
    {%- set rows = '(cast(' ~ one ~ ' as double) * ' ~ other ~ ' / cast(nullif(' ~ one ~ ' + ' ~ other ~ ', 0) as double))' -%}
    {#- minus twice the logarithm of the probability of a false alarm -#}
    {%- set rarity = '(2e0 * ln(cast(' ~ comparisons ~ ' as double) / 0.05e0))' -%}
    {%- set ratio = '((' ~ rarity ~ ' + ln(' ~ rarity ~ ' + 1e0)) * ' ~ rows ~ ' / 250e0)' -%}
    {{- return(
        'sqrt(' ~ variance ~ ' * (' ~ ratio ~ ' + 1e0) / cast(' ~ ratio ~ ' as double) * (ln(' ~ ratio ~ ' + 1e0) + ' ~ rarity ~ '))'
    ) -}}
{% endmacro %}
