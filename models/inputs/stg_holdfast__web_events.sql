{{ holdfast.stage_input('web_events', columns={
    'event_id': {'type': 'id', 'required': true},
    'customer_id': {'type': 'id', 'required': true},
    'occurred_at': {'type': 'timestamp', 'required': true},
    'event_type': {'type': 'text', 'required': true},
    'product_id': {'type': 'id'},
    'session_id': {'type': 'id'},
    'loaded_at': {'type': 'later'},
}) }}
