{{ holdfast.stage_input('product_availability', columns={
    'product_id': {'type': 'id', 'required': true},
    'is_available': {'type': 'boolean', 'required': true},
    'changed_at': {'type': 'timestamp', 'required': true},
    'loaded_at': {'type': 'later'},
}) }}
