{#-
  The select of the approvals as they are used, one row each: verdicts in lower case, blanks as NULL, and `row_problem`, what is
  wrong with a row by itself; such a row decides nothing. `log` is the relation with the decisions: their actions, too, may be
  replacements.

  A row with a decision_id is about that decision alone (is_single). A row without one is a rule for every decision that has what
  its filled columns say; `specificity` is their number, where customer_id counts for more than the others together: what was said
  about a customer beats what was said about offers. A veto without a date holds from the beginning, to be on the safe side.
-#}
{% macro approval_rows(log) %}
with

written as (

    select
        {%- for column in ['decision_id', 'system', 'action', 'channel', 'replacement', 'decided_by', 'why'] %}
        nullif(trim({{ column }}), '') as {{ column }},
        {%- endfor %}
        nullif(lower(trim(verdict)), '') as verdict,
        customer_id,
        decided_at,
        expires_at,
    from {{ ref('holdfast', 'stg_holdfast__approvals') }}

),

known_actions as (

    select action from {{ log }}

    union

    select cast(offer_id as varchar) as action from {{ ref('holdfast', 'stg_holdfast__offers') }}

    union

    select cast(offer_id as varchar) as action from {{ ref('holdfast', 'stg_holdfast__campaign_sends') }}

),

numbered as (

    select
        written.*,
        row_number() over (
            order by
                {%- for column in [
                    'decided_at', 'decision_id', 'system', 'action', 'channel', 'customer_id', 'verdict', 'replacement',
                    'decided_by', 'why',
                ] %}
                written.{{ column }} asc nulls last,
                {%- endfor %}
                written.expires_at asc nulls last
        ) as approval_number,
        written.decision_id is not null as is_single,
        {%- for column, weight in {'system': 1, 'action': 1, 'channel': 1, 'customer_id': 4}.items() %}
        {{ '+ ' if not loop.first }}case when written.{{ column }} is null then 0 else {{ weight }} end
        {{- ' as specificity,' if loop.last }}
        {%- endfor %}
        known_actions.action is not null as is_known_replacement,
    from written
    left join known_actions on known_actions.action = written.replacement

)

select
    *,
    case
        when verdict is null then 'no_verdict'
        when verdict not in ('approve', 'veto', 'replace') then 'unknown_verdict'
        when not is_single and specificity = 0 and verdict <> 'veto' then 'matches_everything'
        when verdict <> 'veto' and decided_at is null then 'no_date'
        when verdict = 'replace' and replacement is null then 'no_replacement'
        when verdict = 'replace' and replacement <> 'leave_alone' and not is_known_replacement then 'unknown_replacement'
    end as row_problem,
    coalesce(decided_at, timestamp '1900-01-01') as counts_from,
from numbered
{%- endmacro %}
