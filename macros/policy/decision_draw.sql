{#-
  A SQL expression: a number from 0 to below 1 drawn for a customer and a period of `holdfast_response_days`. Periods of
  customers begin on different days.
-#}
{% macro decision_draw(customer_id, as_of, salt) %}
    {{- return(holdfast.uniform(
        [customer_id, holdfast._random_period(customer_id, as_of)], holdfast.setting('holdout_salt') ~ ' ' ~ salt
    )) -}}
{% endmacro %}
