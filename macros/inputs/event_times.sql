{#-
  When the rows of each input happened (`at`), when they were loaded (`known_at`), and which of their columns are filled
  in later, by the time that tells when.
-#}
{% macro event_times() %}
    {{- return({
        'stg_holdfast__orders': {'at': 'ordered_at', 'known_at': 'loaded_at'},
        'stg_holdfast__customers': {'at': 'created_at'},
        'stg_holdfast__web_events': {'at': 'occurred_at', 'known_at': 'loaded_at'},
        'stg_holdfast__events': {'at': 'occurred_at', 'known_at': 'loaded_at'},
        'stg_holdfast__support_tickets': {
            'at': 'opened_at', 'known_at': 'loaded_at', 'later': {'resolved_at': ['csat', 'resolved_at']},
        },
        'stg_holdfast__campaign_sends': {
            'at': 'sent_at',
            'later': {'delivered_at': ['delivered_at'], 'opened_at': ['opened_at'], 'clicked_at': ['clicked_at']},
        },
        'stg_holdfast__subscriptions': {'at': 'started_at', 'later': {'ended_at': ['ended_at']}},
        'stg_holdfast__feedback': {'at': 'answered_at'},
        'stg_holdfast__product_availability': {'at': 'changed_at', 'known_at': 'loaded_at'},
        'stg_holdfast__consents': {'at': 'changed_at', 'known_at': 'loaded_at'},
        'stg_holdfast__approvals': {'at': 'decided_at'},
        'stg_holdfast__competitor_prices': {'at': 'seen_at'},
        'stg_holdfast__loyalty': {'at': 'changed_at'},
    }) -}}
{% endmacro %}
