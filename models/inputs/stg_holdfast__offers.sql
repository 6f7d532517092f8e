{{ holdfast.stage_input('offers', columns={
    'offer_id': {'type': 'id', 'required': true},
    'offer_name': {'type': 'text', 'else': 'offer_id'},
    'cost': {'type': 'money', 'row': 'offer_id'},
    'discount': {'type': 'number', 'row': 'offer_id'},
    'channel': {'type': 'text'},
    'valid_from': {'type': 'later'},
    'valid_to': {'type': 'later'},
    'max_customers': {'type': 'number', 'row': 'offer_id'},
}) }}
