{#-
  A SQL expression: how much an active hour counts at a moment, by what happened in it and how long ago. A decimal, whose sum
  is the same in whatever order the rows come. A click alone may count less: the shop chose its time in part.
-#}
{% macro timing_weight(order_weight, click_weight, half_life_days, moment) %}
    {{- return(
        'cast(case when has_order then ' ~ order_weight ~ ' when has_visit then 1e0 else ' ~ click_weight ~ ' end * '
        ~ 'coalesce(power(0.5e0, ' ~ holdfast.days_between('happened_at', moment) ~ ' / cast(nullif(' ~ half_life_days ~ ', 0e0) as double)), 1e0)'
        ~ ' as decimal(18, 6))'
    ) -}}
{% endmacro %}
