{#-
  A SQL expression: holdout for the customers of the global holdout, random for those whose action is drawn, and policy for all
  others. It is drawn for a period as long as an effect is measured, not for a day: with daily builds a draw a day would
  soon have contacted everybody at random, and nobody would have been left alone for the whole time.
-#}
{% macro decision_arm(customer_id, as_of, system) %}
    {%- set draw = holdfast.decision_draw(customer_id, as_of, 'arm of ' ~ system) -%}
    {{- return(
        'case when ' ~ holdfast.in_global_holdout(customer_id) ~ " then 'holdout' when " ~ draw ~ ' < cast('
        ~ holdfast.setting('random_share') ~ " as double) then 'random' else 'policy' end"
    ) -}}
{% endmacro %}


{#- A SQL expression: the number of a customer's period at a moment. Periods of customers begin on different days. -#}
{% macro _random_period(customer_id, as_of) %}
    {%- set days = holdfast.setting('response_days') -%}
    {%- set offset = 'floor(' ~ holdfast.uniform([customer_id], holdfast.setting('holdout_salt') ~ ' period') ~ ' * ' ~ days ~ ')' -%}
    {{- return(
        'cast(floor((' ~ holdfast.days_between("timestamp '1970-01-01'", as_of) ~ ' + ' ~ offset ~ ') / cast(' ~ days ~ ' as double)) as bigint)'
    ) -}}
{% endmacro %}
