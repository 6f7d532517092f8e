{#-
  A SQL expression: the 97.5 % quantile of Student's distribution, by its expansion around the normal one (Abramowitz and
  Stegun, 26.7.5); the error is below 1e-5 from 10 degrees of freedom on. With fewer it is that of 10.
-#}
{% macro student_quantile(freedom) %}
    {%- set nu = 'cast(greatest(' ~ freedom ~ ', 10e0) as double)' -%}
    {{- return(
        '(1.959963984540054e0 + 2.372271230531e0 / ' ~ nu ~ ' + 2.822486126e0 / (' ~ nu ~ ' * ' ~ nu ~ ') + 2.556e0 / ('
        ~ nu ~ ' * ' ~ nu ~ ' * ' ~ nu ~ ') + 1.5895e0 / (' ~ nu ~ ' * ' ~ nu ~ ' * ' ~ nu ~ ' * ' ~ nu ~ '))'
    ) -}}
{% endmacro %}
