{{ holdfast.stage_input('feedback', columns={
    'customer_id': {'type': 'id', 'required': true},
    'answered_at': {'type': 'timestamp', 'required': true},
    'score': {'type': 'number', 'required': true, 'row': 'customer_id'},
    'comment': {'type': 'text'},
    'asked_at': {'type': 'later'},
}) }}
