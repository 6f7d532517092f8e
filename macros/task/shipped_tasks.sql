{#-
  The tasks that Holdfast brings, declared as a project declares its own in the var `holdfast_tasks`, which may change any
  of their keys. `settling_days` pass between the end of a horizon and the day on which its label is known: a lapse counts
  only when nobody has come back within the allowed gap.

  `winback` asks who of the lapsed buys again. One model is fitted, for it was the best of three on the demo and on the
  example, in a fifth of the time. It is `optional`: a shop where nobody lapses, or too few to learn from, has no model of
  it and no warning. Where churn is contractual it is off, for the spine has no lapsed subscribers.

  `recommendation` asks which of the candidates a customer buys. One model of fixed settings is fitted: more were no better, and its
  rows are many. It learns from customers who then ordered and ranks for everybody; that these differ is no drift, so it is not
  watched for it.

  `future_spend` and `future_orders` are the regression in customer_value, which lets it compete with a buy-till-you-die model.
  Their horizon is 90 days, whatever that of churn is. A return is not taken off: it belongs to an earlier purchase, and the
  other model knows purchases only. One model is fitted, the best of four on the example and as fast as any. They explain
  nothing, for nobody reads reasons of a number behind a number: that saves two models of every build.
-#}
{% macro shipped_tasks() %}
    {#- a linear model is fitted on that many rows at most, and reads more for nothing -#}
    {%- set value_rows = [holdfast.setting('max_training_rows'), 500000] | min -%}
    {%- set is_contractual = holdfast.setting('churn_definition') == 'contractual' -%}
    {#- hooks may not render the var that names the items, but they know which models there are -#}
    {%- set has_recommendations = 'model.holdfast.holdfast__recommendation_candidates' in graph.nodes if execute
        else holdfast.has_system('recommendations') -%}
    {{- return({
        'churn': {
            'label': 'churned',
            'definition': 'own' if var('holdfast_churn_labels', none) is not none else holdfast.setting('churn_definition'),
            'event': {'model': 'orders', 'at': 'ordered_at', 'where': 'amount > 0', 'absent': true},
            'horizon_days': holdfast.setting('churn_horizon_days'),
            'lead_days': holdfast.setting('lead_days'),
            'settling_days': holdfast.setting('allowed_gap_days') if is_contractual else 0,
            'eligible': 'features.subscription_is_active = 1' if is_contractual else none,
            'baseline_feature': 'days_since_order',
            'direction': 'risk',
            'bands': holdfast.setting('risk_bands'),
            'band_column': 'risk_band',
            'live': true,
            'estimator': holdfast.setting('estimator'),
            'estimator_parameters': holdfast.setting('estimator_parameters'),
            'include_features': holdfast.setting('features'),
            'exclude_features': holdfast.setting('exclude_features'),
            'trusted_features': holdfast.setting('trusted_features'),
        },
        'winback': {
            'enabled': not is_contractual,
            'optional': true,
            'label': 'returned',
            'event': {'model': 'orders', 'at': 'ordered_at', 'where': 'amount > 0'},
            'horizon_days': holdfast.setting('churn_horizon_days'),
            'lead_days': holdfast.setting('lead_days'),
            'direction': 'gain',
            'eligible': 'features.days_since_order >= ' ~ holdfast.setting('churn_horizon_days'),
            'baseline_feature': 'days_since_order',
            'live': true,
            'estimator': 'logistic_regression',
            'include_features': holdfast.setting('features'),
            'exclude_features': holdfast.setting('exclude_features'),
            'trusted_features': holdfast.setting('trusted_features'),
        },
        'recommendation': {
            'enabled': has_recommendations,
            'optional': true,
            'is_watched': false,
            'label': 'bought',
            'entity': ['customer_id', 'product_id'],
            'features': 'holdfast__recommendation_candidates',
            'horizon_days': 28,
            'direction': 'gain',
            'baseline_feature': 'personal_frequency',
            'estimator': 'hist_gradient_boosting',
            'estimator_parameters': {
                'max_iter': 60, 'learning_rate': 0.12, 'max_leaf_nodes': 31, 'max_depth': none, 'min_samples_leaf': 100, 'l2_regularization': 1.0,
            },
            'exclude_features': ['with_product_id', 'neighbours_asked'],
            'max_rows': 600000,
            'test_dates': 1,
            'min_rows': 2000,
            'min_events': 100,
        },
        'future_spend': {
            'optional': true,
            'has_reasons': false,
            'target': 'regression',
            'label': 'spend_90d',
            'event': {'model': 'orders', 'at': 'ordered_at', 'where': 'amount > 0', 'value': 'sum(amount)'},
            'horizon_days': 90,
            'baseline_feature': 'revenue_365d',
            'max_rows': value_rows,
            'estimator': 'two_part',
            'include_features': holdfast.setting('features'),
            'exclude_features': holdfast.setting('exclude_features'),
            'trusted_features': holdfast.setting('trusted_features'),
        },
        'future_orders': {
            'optional': true,
            'has_reasons': false,
            'target': 'regression',
            'label': 'orders_90d',
            'event': {'model': 'orders', 'at': 'ordered_at', 'where': 'amount > 0', 'value': 'count(*)'},
            'horizon_days': 90,
            'baseline_feature': 'order_count_365d',
            'max_rows': value_rows,
            'estimator': 'two_part',
            'include_features': holdfast.setting('features'),
            'exclude_features': holdfast.setting('exclude_features'),
            'trusted_features': holdfast.setting('trusted_features'),
        },
    }) -}}
{% endmacro %}
