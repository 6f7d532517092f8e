{{ holdfast.stage_input('campaign_sends', columns={
    'send_id': {'type': 'id', 'required': true},
    'customer_id': {'type': 'id', 'required': true},
    'campaign_id': {'type': 'id', 'required': true},
    'sent_at': {'type': 'timestamp', 'required': true},
    'channel': {'type': 'text'},
    'offer_id': {'type': 'id'},
    'is_control': {'type': 'boolean'},
    'opened_at': {'type': 'later'},
    'clicked_at': {'type': 'later'},
}) }}
