{#-
  The select of what people have decided, one row per decision that an approval is about: the verdict that counts, and what
  contradicts it. `decisions` is a relation with decision_id, system, action, channel, customer_id, arm, is_idle (nobody is to be
  contacted) and judged_at: an approval counts if it was given before that moment, and had not expired then. `log` is as in
  approval_rows.

  A verdict on one decision beats a rule. Of rules, one about a customer beats the others, then the one with more filled columns.
  Among equals it is the later, then veto before replace before approve. What is idle can be replaced one by one only, and customers
  of the holdout not at all.
-#}
{% macro decision_verdicts(decisions, log) %}
with

approvals as (

    {{ holdfast.approval_rows(log) | indent(4) }}

),

found as (

    {% for is_single in [true, false] -%}
    select
        decisions.decision_id,
        approvals.approval_number,
        approvals.is_single,
        {{ '0' if is_single else 'approvals.specificity' }} as specificity,
        approvals.verdict,
        case when approvals.verdict = 'replace' then approvals.replacement end as replacement,
        approvals.channel as replacement_channel,
        approvals.decided_by,
        approvals.decided_at,
        approvals.why,
    from {{ decisions }} as decisions
    {%- if is_single %}
    inner join approvals on approvals.decision_id = decisions.decision_id
    {%- else %}
    inner join approvals on not approvals.is_single
    {%- endif %}
    where
        approvals.row_problem is null
        and approvals.counts_from < decisions.judged_at
        and (approvals.expires_at is null or approvals.expires_at > decisions.judged_at)
        and {{ holdfast.is_about('approvals', 'decisions') }}
        {%- if is_single %}
        and (not decisions.is_idle or (approvals.verdict = 'replace' and decisions.arm <> 'holdout'))
        {%- else %}
        and not decisions.is_idle
        {%- endif %}
    {{- '\n\n    union all\n' if not loop.last }}

    {% endfor %}
),

ranked as (

    select
        *,
        rank() over (
            partition by decision_id
            order by
                is_single desc nulls last,
                specificity desc nulls last
        ) as strength,
    from found

),

-- the strongest kind only: an exception to a rule is no contradiction
equals as (

    select
        *,
        row_number() over (
            partition by decision_id
            order by
                decided_at desc nulls last,
                case verdict when 'veto' then 1 when 'replace' then 2 else 3 end asc nulls last,
                approval_number asc nulls last
        ) as place,
        dense_rank() over (
            partition by decision_id
            order by
                verdict asc nulls last,
                replacement asc nulls last
        ) as word_number,
    from ranked
    where strength = 1

),

told as (

    select
        decision_id,
        max(word_number) > 1 as is_contradicted,
        {%- for verdict in ['approve', 'replace', 'veto'] %}
        max(case when verdict = {{ holdfast.text(verdict) }} then verdict end) as said_{{ verdict }},
        min(case when verdict = {{ holdfast.text(verdict) }} then decided_by end) as {{ verdict }}_by,
        {%- endfor %}
        min(replacement) as first_replacement,
        max(replacement) as last_replacement,
    from equals
    group by decision_id

)

select
    equals.decision_id as judged_id,
    case when equals.replacement = 'leave_alone' then 'veto' else equals.verdict end as verdict,
    case when equals.replacement <> 'leave_alone' then equals.replacement end as replacement,
    equals.replacement_channel,
    equals.decided_by,
    equals.decided_at,
    equals.why,
    case
        when told.is_contradicted
            then
                concat_ws(
                    ', ',
                    told.said_approve || coalesce(' (' || told.approve_by || ')', ''),
                    told.said_replace || ' by ' || told.first_replacement || coalesce(' (' || told.replace_by || ')', ''),
                    case when told.last_replacement <> told.first_replacement then 'replace by ' || told.last_replacement end,
                    told.said_veto || coalesce(' (' || told.veto_by || ')', '')
                )
    end as contradiction,
from equals
inner join told on told.decision_id = equals.decision_id
where equals.place = 1
{%- endmacro %}
