{{ holdfast.stage_input('orders', columns={
    'customer_id': {'type': 'id', 'required': true},
    'order_id': {'type': 'id', 'required': true},
    'ordered_at': {'type': 'timestamp', 'required': true},
    'amount': {'type': 'amount', 'required': true, 'row': 'order_id'},
    'discount_amount': {'type': 'money', 'row': 'order_id'},
    'channel': {'type': 'text'},
    'loaded_at': {'type': 'later'},
}) }}
