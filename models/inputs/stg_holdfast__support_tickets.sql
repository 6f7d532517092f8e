{{ holdfast.stage_input('support_tickets', columns={
    'ticket_id': {'type': 'id', 'required': true},
    'customer_id': {'type': 'id', 'required': true},
    'opened_at': {'type': 'timestamp', 'required': true},
    'resolved_at': {'type': 'later'},
    'topic': {'type': 'text'},
    'body': {'type': 'text'},
    'csat': {'type': 'number', 'row': 'ticket_id'},
    'loaded_at': {'type': 'later'},
}) }}
