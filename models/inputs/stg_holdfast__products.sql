{{ holdfast.stage_input('products', columns={
    'product_id': {'type': 'id', 'required': true},
    'product_name': {'type': 'text', 'else': 'product_id'},
    'category': {'type': 'text', 'required': true},
    'unit_cost': {'type': 'money', 'row': 'product_id'},
    'is_replenishable': {'type': 'boolean'},
    'is_available': {'type': 'boolean'},
}) }}
