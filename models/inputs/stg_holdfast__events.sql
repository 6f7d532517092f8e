{{ holdfast.stage_input('events', columns={
    'customer_id': {'type': 'id', 'required': true},
    'occurred_at': {'type': 'timestamp', 'required': true},
    'event_type': {'type': 'event type', 'required': true},
    'value': {'type': 'number'},
    'loaded_at': {'type': 'later'},
}) }}
