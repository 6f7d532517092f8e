{{ holdfast.stage_input('consents', columns={
    'customer_id': {'type': 'id', 'required': true},
    'channel': {'type': 'text'},
    'is_allowed': {'type': 'boolean', 'required': true},
    'changed_at': {'type': 'timestamp', 'required': true},
    'loaded_at': {'type': 'later'},
}) }}
