{{ holdfast.stage_input('subscriptions', columns={
    'subscription_id': {'type': 'id', 'required': true},
    'customer_id': {'type': 'id', 'required': true},
    'started_at': {'type': 'timestamp', 'required': true},
    'ended_at': {'type': 'end', 'required': true},
    'plan': {'type': 'text'},
    'mrr': {'type': 'money', 'row': 'subscription_id'},
    'period_months': {'type': 'number', 'row': 'subscription_id'},
}) }}
