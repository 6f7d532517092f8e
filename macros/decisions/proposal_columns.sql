{#- The columns of a proposal: for each its kind, and whether a policy must have it. -#}
{% macro proposal_columns() %}
    {{- return({
        'customer_id': ['id', true], 'as_of': ['timestamp', true], 'system': ['text', false], 'action': ['text', true],
        'channel': ['text', true], 'variant': ['text', false], 'arm': ['text', false], 'propensity': ['share', true],
        'expected_profit': ['double', false], 'expected_profit_lower': ['double', false],
        'expected_profit_upper': ['double', false], 'model_id': ['text', false], 'policy_version': ['text', false],
        'dropped_because': ['text', false], 'reason': ['text', true], 'needs_review': ['boolean', false],
        'owner': ['text', false], 'due_at': ['timestamp', false], 'expires_at': ['timestamp', false],
    }) -}}
{% endmacro %}
