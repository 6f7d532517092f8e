{{ holdfast.stage_input('loyalty', columns={
    'customer_id': {'type': 'id', 'required': true},
    'changed_at': {'type': 'timestamp', 'required': true},
    'points': {'type': 'number', 'row': 'customer_id'},
    'tier': {'type': 'text'},
}) }}
