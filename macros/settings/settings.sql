{#- Every var of Holdfast: its default, and what is allowed in words. -#}
{% macro settings() %}
    {{- return({
        'active_within_days': {'default': 180, 'allowed': 'a whole number of days, 1 or more', 'least': 1},
        'allowed_gap_days': {'default': 30, 'allowed': 'a whole number of days, 0 or more', 'least': 0},
        'as_of_date': {'default': none, 'allowed': 'a date written YYYY-MM-DD, in the var or in the environment as HOLDFAST_AS_OF_DATE'},
        'campaign_goal': {'default': 'profit', 'allowed': 'profit, revenue or response'},
        'churn_definition': {'default': 'non_contractual', 'allowed': 'non_contractual or contractual'},
        'churn_horizon_days': {'default': 90, 'allowed': 'a whole number of days, 1 or more', 'least': 1},
        'complaint_quiet_days': {'default': 7, 'allowed': 'a whole number of days, 0 or more', 'least': 0},
        'contact_budget': {'default': 0.1, 'allowed': 'a share above 0 and below 1, or a whole number of customers, 1 or more'},
        'contact_caps': {'default': {'any': [2, 7]}, 'allowed': 'a mapping of channels, or any for all of them together, each to [messages, days], two whole numbers, 1 or more'},
        'contact_cost': {'default': 1, 'allowed': 'a number, 0 or more', 'number': [0, 1e15]},
        'contact_without_consent': {'default': false, 'allowed': 'true or false'},
        'context_columns': {'default': [], 'allowed': 'a list of columns of the customers input'},
        'currency': {'default': none, 'allowed': 'three capital letters as in ISO 4217, such as EUR'},
        'customer_value': {'default': 200, 'allowed': 'a number, 0 or more', 'number': [0, 1e15]},
        'decision_owner': {'default': none, 'allowed': 'a text that is not blank'},
        'discount_gap_days': {'default': 30, 'allowed': 'a whole number of days, 0 or more', 'least': 0},
        'estimator': {'default': none, 'allowed': "logistic_regression, hist_gradient_boosting, blend, or your own function as 'package.module:function'"},
        'estimator_parameters': {'default': {}, 'allowed': 'a mapping of names to values'},
        'exclude_features': {'default': [], 'allowed': 'a list of columns of customer_features'},
        'features': {'default': [], 'allowed': 'a list of columns of customer_features'},
        'holdout_salt': {'default': 'holdfast', 'allowed': 'a text that is not blank'},
        'holdout_share': {'default': 0.05, 'allowed': 'a number from 0 to 1', 'number': [0, 1]},
        'lead_days': {'default': 0, 'allowed': 'a whole number of days, 0 or more', 'least': 0},
        'least_group': {'default': 10, 'allowed': 'a whole number of customers, 1 or more', 'least': 1},
        'locale': {'default': 'en', 'allowed': 'en, de or ru'},
        'lookback_days': {'default': 3, 'allowed': 'a whole number of days, 0 or more', 'least': 0},
        'max_training_rows': {'default': 2000000, 'allowed': 'a whole number, 1000 or more', 'least': 1000},
        'margin_rate': {'default': 0.4, 'allowed': 'a number from 0 to 1', 'number': [0, 1]},
        'min_events': {'default': none, 'allowed': 'a whole number, 1 or more', 'least': 1},
        'min_history_days': {'default': 30, 'allowed': 'a whole number of days, 0 or more', 'least': 0},
        'min_orders': {'default': 1, 'allowed': 'a whole number, 1 or more', 'least': 1},
        'min_rows': {'default': none, 'allowed': 'a whole number, 1 or more', 'least': 1},
        'observation_interval': {'default': 'auto', 'allowed': "auto, or a whole number and a unit: 'N day', 'N week' or 'N month'"},
        'observations': {'default': 'auto', 'allowed': 'auto, or a whole number, 1 or more', 'least': 1},
        'offer_budget': {'default': none, 'allowed': 'a number, 0 or more', 'number': [0, 1e15]},
        'offer_cost': {'default': 10, 'allowed': 'a number, 0 or more', 'number': [0, 1e15]},
        'price_rules': {'default': {'min_margin': 0.1, 'max_step': 0.1, 'endings': [], 'min_days': 30, 'competitor_days': 30}, 'allowed': 'a mapping of min_margin (below 1), max_step (above 0, up to 0.5), endings (a list of parts of a unit of money, such as 0.99), min_days and competitor_days (whole numbers)'},
        'publish': {'default': true, 'allowed': 'true or false'},
        'publish_empty': {'default': false, 'allowed': 'true or false'},
        'publish_path': {'default': none, 'allowed': 'the path of a file'},
        'reason_phrases': {'default': {}, 'allowed': 'a dict of features, each with a phrase or a list of phrases; a phrase is a text, or a mapping of say and when'},
        'quiet_hours': {'default': [21, 8], 'allowed': 'a list of two different whole hours, [from, to], each 0 to 23, or [] for none'},
        'random_share': {'default': 0.1, 'allowed': 'a number from 0 to 1', 'number': [0, 1]},
        'rebuild_changed': {'default': false, 'allowed': 'true or false'},
        'recommendations_per_category': {'default': 10, 'allowed': 'a whole number, 1 or more', 'least': 1},
        'replenishment_lead_days': {'default': 3, 'allowed': 'a whole number of days, 0 or more', 'least': 0},
        'reset': {'default': false, 'allowed': 'true or false'},
        'response_days': {'default': 30, 'allowed': 'a whole number of days, 1 or more', 'least': 1},
        'retrain': {'default': false, 'allowed': 'true or false'},
        'retrain_after_days': {'default': 30, 'allowed': 'a whole number of days, 1 or more', 'least': 1},
        'review': {'default': 'all', 'allowed': 'all, none, or a list of actions, which are offer ids or leave_alone'},
        'rfm_segments': {'default': 'lifecycle', 'allowed': 'lifecycle, usual, or a list of segments, each with a name'},
        'risk_bands': {'default': {'high': 0.6, 'medium': 0.3}, 'allowed': "two probabilities, {'high': 0.6, 'medium': 0.3}, 0 < medium < high < 1"},
        'save_rate': {'default': 0.3, 'allowed': 'a number from 0 to 1', 'number': [0, 1]},
        'segment_budgets': {'default': {}, 'allowed': 'a mapping of segments to shares above 0 and below 1, or to whole numbers of customers, 0 or more'},
        'segments': {'default': [], 'allowed': 'a list of columns of the customers input or of customer_features, each once'},
        'seed': {'default': 7, 'allowed': 'a whole number, 0 or more', 'least': 0},
        'slipping_after': {'default': 2, 'allowed': 'a number of usual gaps, 1 or more', 'number': [1, 1000]},
        'support_topics': {'default': none, 'allowed': 'a whole number, 2 or more', 'least': 2},
        'systems': {'default': ['timing', 'recommendations', 'decisions', 'offers', 'campaigns', 'pricing', 'service'], 'allowed': 'a list that may name timing, recommendations, decisions, offers, campaigns, pricing and service, each once', 'words': ['timing', 'recommendations', 'decisions', 'offers', 'campaigns', 'pricing', 'service']},
        'test_everything': {'default': false, 'allowed': 'true or false'},
        'theme_actions': {'default': {}, 'allowed': 'a mapping of themes to actions, or the name of a model or seed with the columns theme and action'},
        'theme_labels': {'default': {}, 'allowed': 'a mapping of themes to names'},
        'time_zone': {'default': 'UTC', 'allowed': 'the IANA name of a time zone, such as Europe/Berlin'},
        'time_spine': {'default': true, 'allowed': 'true or false'},
        'timing_uses_opens': {'default': false, 'allowed': 'true or false'},
        'topic_rules': {'default': none, 'allowed': 'the name of a model or seed with the columns topic_id, action and value'},
        'trigger_rules': {'default': none, 'allowed': 'the name of a model or seed with the column trigger'},
        'trusted_features': {'default': [], 'allowed': 'a list of columns of customer_features'},
        'web_event_types': {'default': {}, 'allowed': 'a mapping of view and cart, each to an event type or a list of them'},
    }) -}}
{% endmacro %}


{#-
  The names of all vars of Holdfast: the settings above, and those that name relations or declare something, which are
  checked where they are used. Any other var that begins with holdfast_ stops a run.
-#}
{% macro known_vars() %}
    {%- set names = [
        'holdfast_orders', 'holdfast_customers', 'holdfast_order_items', 'holdfast_products', 'holdfast_web_events', 'holdfast_events',
        'holdfast_support_tickets', 'holdfast_campaign_sends', 'holdfast_subscriptions', 'holdfast_feedback',
        'holdfast_acquisition_costs',
        'holdfast_product_availability', 'holdfast_consents', 'holdfast_approvals', 'holdfast_offers', 'holdfast_competitor_prices',
        'holdfast_loyalty', 'holdfast_policies',
        'holdfast_customer_attributes', 'holdfast_churn_labels', 'holdfast_demo', 'holdfast_feature_views', 'holdfast_spine',
        'holdfast_tasks', 'holdfast_recommendation_exclusions',
    ] -%}
    {%- for name in holdfast.settings() -%}
        {%- do names.append('holdfast_' ~ name) -%}
    {%- endfor -%}
    {{- return(names) -}}
{% endmacro %}
