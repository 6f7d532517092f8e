{#-
  A SQL expression: the probability that one part of a Dirichlet distribution is larger than another, by their parameters.

  Their ratio is that of two gamma variables, whose cube roots are close to normal (Wilson and Hilferty 1931); a logistic curve
  stands for the normal distribution (Bowling et al. 2009, off by 0.0002 at most). Both are the same on every engine.
-#}
{% macro timing_larger(one, other) %}
    {%- set z = '(' ~ holdfast._mean_root(one) ~ ' - ' ~ holdfast._mean_root(other) ~ ') / cast(nullif(sqrt(power(nullif(' ~ one
        ~ ', 0e0), -1e0 / 3e0) / 9e0 + power(nullif(' ~ other ~ ', 0e0), -1e0 / 3e0) / 9e0), 0e0) as double)' -%}
    {%- set bounded = 'greatest(-6e0, least(6e0, ' ~ z ~ '))' -%}
    {{- return('power(1e0 + exp(-1.5976e0 * ' ~ bounded ~ ' - 0.07056e0 * power(' ~ bounded ~ ', 3e0)), -1e0)') -}}
{% endmacro %}


{#- The mean of the cube root of a gamma variable. -#}
{% macro _mean_root(shape) %}
    {{- return('power(' ~ shape ~ ', 1e0 / 3e0) * (1e0 - 1e0 / cast(nullif(9e0 * ' ~ shape ~ ', 0e0) as double))') -}}
{% endmacro %}
