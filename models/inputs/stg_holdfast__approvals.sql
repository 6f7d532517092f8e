{{ holdfast.stage_input('approvals', columns={
    'decision_id': {'type': 'text'},
    'system': {'type': 'text'},
    'action': {'type': 'text'},
    'channel': {'type': 'text'},
    'customer_id': {'type': 'id'},
    'verdict': {'type': 'text', 'required': true},
    'replacement': {'type': 'text'},
    'decided_by': {'type': 'text', 'required': true},
    'decided_at': {'type': 'timestamp', 'required': true},
    'why': {'type': 'text'},
    'expires_at': {'type': 'later'},
}) }}
