{#-
  The select of the churn labels of any spine, by the definition that the project has chosen: `holdfast_churn_labels`, the
  user's own; `holdfast_churn_definition: contractual`, a subscription that lapses; or else no purchase within the horizon.
-#}
{% macro churn_labels_at(spine) %}
    {%- set own_labels = var('holdfast_churn_labels', none) -%}
    {%- set definition = holdfast.setting('churn_definition') -%}
    {%- set task = holdfast.task('churn') -%}
    {%- if own_labels is not none and definition != 'non_contractual' -%}
        {%- do exceptions.raise_compiler_error(
            'The vars `holdfast_churn_labels` and `holdfast_churn_definition` both define churn. Unset one.'
        ) -%}
    {%- elif definition == 'contractual' and not holdfast.has_input('subscriptions') -%}
        {%- do exceptions.raise_compiler_error(
            '`holdfast_churn_definition: contractual` needs subscriptions. Set the var `holdfast_subscriptions` to a relation with '
            ~ 'subscription_id, customer_id, started_at and ended_at.'
        ) -%}
    {%- endif -%}
    {%- if own_labels is not none -%}
        {{- return(holdfast.own_labels(own_labels, spine)) -}}
    {%- elif definition == 'contractual' -%}
        {{- return(holdfast.lapse_labels(
            horizon_days=task.horizon_days,
            lead_days=task.lead_days,
            allowed_gap_days=task.settling_days,
            spine=spine,
        )) -}}
    {%- else -%}
        {{- return(holdfast.labels('churn', spine=spine)) -}}
    {%- endif -%}
{% endmacro %}
