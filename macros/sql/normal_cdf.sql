{#-
  A SQL expression: the probability that a standard normal variable is no greater than a number; plain arithmetic, for engines
  without an error function. By the rational function of Hart et al., Computer Approximations (1968), no. 5666: the error is
  below 1e-15. The value is written out many times, so give a column rather than a long expression.
-#}
{% macro normal_cdf(value) %}
    {%- set size = 'least(abs(' ~ value ~ '), 37e0)' -%}
    {%- set sums = namespace(above='3.52624965998911e-2', below='8.83883476483184e-2') -%}
    {%- for factor in [
        '7.00383064443688e-1', '6.37396220353165e0', '3.3912866078383e1', '1.12079291497871e2', '2.21213596169931e2', '2.20206867912376e2'
    ] -%}
        {%- set sums.above = '(' ~ sums.above ~ ' * ' ~ size ~ ' + ' ~ factor ~ ')' -%}
    {%- endfor -%}
    {%- for factor in [
        '1.75566716318264e0', '1.6064177579207e1', '8.67807322029461e1', '2.96564248779674e2', '6.37333633378831e2', '7.93826512519948e2',
        '4.40413735824752e2'
    ] -%}
        {%- set sums.below = '(' ~ sums.below ~ ' * ' ~ size ~ ' + ' ~ factor ~ ')' -%}
    {%- endfor -%}
    {%- set tail = 'exp(-0.5e0 * ' ~ size ~ ' * ' ~ size ~ ') * ' ~ sums.above ~ ' / cast(' ~ sums.below ~ ' as double)' -%}
    {{- return('case when ' ~ value ~ ' > 0e0 then 1e0 - ' ~ tail ~ ' when ' ~ value ~ ' <= 0e0 then ' ~ tail ~ ' end') -}}
{% endmacro %}
