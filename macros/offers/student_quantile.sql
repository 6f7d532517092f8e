{#-
  A SQL expression: the 97.5 % quantile of Student's distribution, by its expansion around the normal one (Abramowitz and
  Stegun, 26.7.5); the error is below 1e-5 from 10 degrees of freedom on. With fewer it is that of 10.
-#}
{% macro student_quantile(freedom) %}
    {%- set nu = 'cast(greatest(' ~ freedom ~ ', 10e0) as double)' -%}
    {%- set sum = namespace(of='1.5895340533938225e0') -%}
    {%- for term in ['2.555849679507722e0', '2.8224986157396112e0', '2.372271230298562e0', '1.959963984540054e0'] -%}
        {%- set sum.of = '(' ~ term ~ ' + ' ~ sum.of ~ ' / ' ~ nu ~ ')' -%}
    {%- endfor -%}
    {{- return(sum.of) -}}
{% endmacro %}
