{#-
  A SQL expression: the quantile of the standard normal distribution at a probability above 0 and below 1. After Winitzki's
  approximation of the inverse error function (2008); the error is below 0.007, which an interval does not show.
-#}
{% macro normal_quantile(probability) %}
    {%- set log_rest = 'ln(4e0 * (' ~ probability ~ ') * (1e0 - (' ~ probability ~ ')))' -%}
    {%- set centre = '(4.3307467508e0 + 0.5e0 * ' ~ log_rest ~ ')' -%}
    {{- return(
        'sign((' ~ probability ~ ') - 0.5e0) * sqrt(2e0 * (sqrt(' ~ centre ~ ' * ' ~ centre ~ ' - ' ~ log_rest ~ ' / 0.147e0) - ' ~ centre ~ '))'
    ) -}}
{% endmacro %}
