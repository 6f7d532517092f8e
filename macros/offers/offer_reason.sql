{#-
  A SQL expression: why a customer is made an offer, or left alone, one sentence in the language of `holdfast_locale`. `evidence`
  has the SQL expressions of action, arm, dropped_because, offer and channel (names), profit, days and trigger (what happened; may
  be NULL).
-#}
{% macro offer_reason(evidence) %}
    {%- set told = holdfast.language().offers -%}
    {%- set cases = [] -%}
    {%- for because, sentence in told.left_alone.items() -%}
        {%- do cases.append(
            'when ' ~ evidence.dropped_because ~ ' = ' ~ holdfast.text(because) ~ ' then ' ~ holdfast.told(sentence, evidence)
        ) -%}
    {%- endfor -%}
    {%- set trigger = "coalesce('; ' || " ~ evidence.trigger ~ ", '')" -%}
    {{- return(
        'case ' ~ cases | join('\n        ')
        ~ '\n        when ' ~ evidence.arm ~ " = 'random' then " ~ holdfast.told(told.random, evidence)
        ~ '\n        else (' ~ holdfast.told(told.policy, evidence) ~ ') || ' ~ trigger ~ ' end'
    ) -}}
{% endmacro %}
