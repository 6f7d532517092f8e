{{ holdfast.stage_input('products', columns={
    'product_id': {'type': 'id', 'required': true},
    'product_name': {'type': 'text', 'required': true},
    'category': {'type': 'text', 'required': true},
    'unit_cost': {'type': 'money'},
    'is_replenishable': {'type': 'boolean'},
}) }}
