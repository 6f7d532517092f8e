{#- Every var of Holdfast: its default, and what is allowed in words. -#}
{% macro settings() %}
    {{- return({
        'active_within_days': {'default': 180, 'allowed': 'a whole number of days, 1 or more', 'least': 1},
        'allowed_gap_days': {'default': 30, 'allowed': 'a whole number of days, 0 or more', 'least': 0},
        'as_of_date': {'default': none, 'allowed': 'a date written YYYY-MM-DD'},
        'churn_definition': {'default': 'non_contractual', 'allowed': 'non_contractual or contractual'},
        'churn_horizon_days': {'default': 90, 'allowed': 'a whole number of days, 1 or more', 'least': 1},
        'contact_budget': {'default': 0.1, 'allowed': 'a share above 0 and below 1, or a whole number of customers, 1 or more'},
        'contact_cost': {'default': 1, 'allowed': 'a number, 0 or more', 'number': [0, 1e15]},
        'customer_value': {'default': 200, 'allowed': 'a number, 0 or more', 'number': [0, 1e15]},
        'lead_days': {'default': 0, 'allowed': 'a whole number of days, 0 or more', 'least': 0},
        'live_tasks': {'default': ['churn'], 'allowed': 'a list of task names'},
        'lookback_days': {'default': 3, 'allowed': 'a whole number of days, 0 or more', 'least': 0},
        'min_history_days': {'default': 30, 'allowed': 'a whole number of days, 0 or more', 'least': 0},
        'min_orders': {'default': 1, 'allowed': 'a whole number, 1 or more', 'least': 1},
        'observation_interval': {'default': '1 month', 'allowed': "a whole number and a unit: 'N day', 'N week' or 'N month'"},
        'observations': {'default': 12, 'allowed': 'a whole number, 1 or more', 'least': 1},
        'offer_cost': {'default': 10, 'allowed': 'a number, 0 or more', 'number': [0, 1e15]},
        'reset': {'default': false, 'allowed': 'true or false'},
        'retrain': {'default': false, 'allowed': 'true or false'},
        'retrain_after_days': {'default': 30, 'allowed': 'a whole number of days, 1 or more', 'least': 1},
        'risk_bands': {'default': {'high': 0.6, 'medium': 0.3}, 'allowed': "two probabilities, {'high': 0.6, 'medium': 0.3}, 0 < medium < high < 1"},
        'save_rate': {'default': 0.3, 'allowed': 'a number from 0 to 1', 'number': [0, 1]},
        'segments': {'default': [], 'allowed': 'a list of columns of the customers input or of customer_features'},
        'tasks': {'default': ['churn'], 'allowed': 'a list of task names'},
    }) -}}
{% endmacro %}
