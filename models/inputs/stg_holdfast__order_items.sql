{{ holdfast.stage_input('order_items', columns={
    'order_id': {'type': 'id', 'required': true},
    'product_id': {'type': 'id', 'required': true},
    'quantity': {'type': 'number', 'required': true, 'row': 'order_id'},
    'unit_price': {'type': 'money', 'required': true, 'row': 'order_id'},
    'loaded_at': {'type': 'later'},
}) }}
