{#- Every var of Holdfast: its default, and what is allowed in words. -#}
{% macro settings() %}
    {{- return({
        'active_within_days': {'default': 180, 'allowed': 'a whole number of days, 1 or more', 'least': 1},
        'as_of_date': {'default': none, 'allowed': 'a date written YYYY-MM-DD'},
        'churn_horizon_days': {'default': 90, 'allowed': 'a whole number of days, 1 or more', 'least': 1},
        'lead_days': {'default': 0, 'allowed': 'a whole number of days, 0 or more', 'least': 0},
        'lookback_days': {'default': 3, 'allowed': 'a whole number of days, 0 or more', 'least': 0},
        'min_history_days': {'default': 30, 'allowed': 'a whole number of days, 0 or more', 'least': 0},
        'min_orders': {'default': 1, 'allowed': 'a whole number, 1 or more', 'least': 1},
        'observation_interval': {'default': '1 month', 'allowed': "a whole number and a unit: 'N day', 'N week' or 'N month'"},
        'observations': {'default': 12, 'allowed': 'a whole number, 1 or more', 'least': 1},
        'reset': {'default': false, 'allowed': 'true or false'},
        'retrain': {'default': false, 'allowed': 'true or false'},
        'retrain_after_days': {'default': 30, 'allowed': 'a whole number of days, 1 or more', 'least': 1},
        'risk_bands': {'default': {'high': 0.6, 'medium': 0.3}, 'allowed': "two probabilities, {'high': 0.6, 'medium': 0.3}, 0 < medium < high < 1"},
        'tasks': {'default': ['churn'], 'allowed': 'a list of task names'},
    }) -}}
{% endmacro %}
