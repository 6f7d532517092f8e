{#-
  Who can churn at all: a SQL condition on a row of customer_features, or none where everybody of the spine can. Contractual
  churn is asked of customers with a running subscription only.
-#}
{% macro churn_eligible(features) %}
    {%- if holdfast.setting('churn_definition') == 'contractual' -%}
        {{- return(features ~ '.subscription_is_active = 1') -}}
    {%- endif -%}
    {{- return(none) -}}
{% endmacro %}
