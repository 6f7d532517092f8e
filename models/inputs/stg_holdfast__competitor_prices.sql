{{ holdfast.stage_input('competitor_prices', columns={
    'product_id': {'type': 'id', 'required': true},
    'price': {'type': 'money', 'required': true, 'row': 'product_id'},
    'seen_at': {'type': 'timestamp', 'required': true},
    'competitor': {'type': 'text'},
}) }}
