{{ holdfast.stage_input('acquisition_costs', columns={
    'month': {'type': 'month', 'required': true},
    'channel': {'type': 'text', 'required': true},
    'spend': {'type': 'money', 'required': true, 'row': 'channel'},
}) }}
