{{ config(enabled=holdfast.has_system('decisions')) }}
-- approvals that have decided nothing, each with why: none of them is lost in silence
{% set as_of = 'cast(' ~ holdfast.as_of_date() ~ ' as timestamp)' -%}
{% set log = ref('holdfast', 'holdfast__decision_log') -%}
{% set told = {
    'no_verdict': 'It has no verdict. Write approve, veto or replace.',
    'unknown_verdict': 'Its verdict is none of approve, veto and replace.',
    'matches_everything': 'It names no decision and fills no other column, so it would approve everything. Name what it is about; if nobody needs to review anything, set `holdfast_review: none`.',
    'no_date': 'It has no decided_at, so nobody knows from when it counts.',
    'no_date_of_veto': 'It has no decided_at. A veto holds all the same.',
    'no_replacement': 'It replaces, and does not say by what. Fill the column replacement.',
    'unknown_replacement': 'Its replacement is no offer and no action that any policy has proposed.',
    'not_known_yet': 'It was decided after the as-of date. The next build knows it.',
    'unknown_decision': 'No decision has this id. Copy it from the table decisions, or from `holdfast review --csv`.',
    'does_not_match': 'The decision has another system, action, channel or customer than it names.',
    'holdout': 'The customer is in the holdout, which nobody contacts.',
    'nobody_is_contacted': 'The decision is to leave the customer alone, which needs no approval. It can only be replaced.',
    'after_sending': 'It was decided after the message was sent.',
    'after_expiry': 'It was decided when the decision had expired.',
    'lapsed': 'It had expired itself before the decision was sent.',
    'matches_nothing': 'It is a rule, and no decision is what it says. Check how system, action, channel and customer_id are written.',
} -%}
with

approvals as (

    {{ holdfast.approval_rows(log) | indent(4) }}

),

decisions as (

    select
        decisions.*,
        log.action as log_action,
        log.channel as log_channel,
    from {{ ref('holdfast', 'holdfast__decisions') }} as decisions
    inner join {{ log }} as log on log.decision_id = decisions.decision_id

),

logged as (

    select
        decision_id,
        customer_id,
        system,
        log_action as action,
        log_channel as channel,
        arm,
        status,
        sent_at,
        expires_at,
        log_action = 'leave_alone' or arm = 'holdout' as is_idle,
    from decisions

),

about_rules as (

    select distinct approvals.approval_number
    from approvals
    inner join logged
        on not logged.is_idle
        and {{ holdfast.is_about('approvals', 'logged') }}
    where not approvals.is_single

),

judged as (

    select
        approvals.*,
        logged.customer_id as decision_customer_id,
        case
            when approvals.row_problem is not null then approvals.row_problem
            when approvals.counts_from >= {{ as_of }} then 'not_known_yet'
            when approvals.is_single and logged.decision_id is null then 'unknown_decision'
            when approvals.is_single and not {{ holdfast.is_about('approvals', 'logged') }} then 'does_not_match'
            when approvals.is_single and logged.is_idle and logged.arm = 'holdout' then 'holdout'
            when approvals.is_single and logged.is_idle and approvals.verdict <> 'replace' then 'nobody_is_contacted'
            when
                approvals.is_single
                and approvals.counts_from > logged.sent_at
                and not (
                    logged.sent_at = date_trunc('day', logged.sent_at)
                    and approvals.counts_from < logged.sent_at + interval 1 day
                )
                then 'after_sending'
            when
                approvals.is_single
                and logged.sent_at is null
                and approvals.counts_from >= logged.expires_at
                then 'after_expiry'
            when
                approvals.is_single
                and approvals.expires_at <= least({{ as_of }}, coalesce(logged.sent_at, logged.expires_at, {{ as_of }}))
                then 'lapsed'
            when
                not approvals.is_single
                and coalesce(approvals.expires_at > {{ as_of }}, true)
                and approvals.approval_number not in (select approval_number from about_rules)
                then 'matches_nothing'
            when approvals.decided_at is null then 'no_date_of_veto'
        end as problem,
    from approvals
    left join logged on logged.decision_id = approvals.decision_id

),

made as (

    select distinct
        system,
        as_of,
        action,
        channel,
    from {{ log }}

),

-- the ids of what was decided about forgotten customers, which are hashes of theirs
forgotten as (

    select {{ holdfast.decision_id(
        'made.system', 'forgotten.customer_id', 'made.as_of', 'made.action', 'made.channel'
    ) }} as decision_id
    from made
    cross join {{ ref('holdfast', 'holdfast__forgotten_customers') }} as forgotten

),

final as (

    select
        approval_number,
        {{ holdfast.as_of_date() }} as as_of_date,
        cast(problem as varchar) as problem,
        cast(case problem
            {%- for problem, words in told.items() %}
            when {{ holdfast.text(problem) }} then {{ holdfast.text(words) }}
            {%- endfor %}
        end as varchar) as told,
        cast(decision_id as varchar) as decision_id,
        coalesce(customer_id, decision_customer_id) as customer_id,
        cast(system as varchar) as system,
        cast(action as varchar) as action,
        cast(channel as varchar) as channel,
        cast(verdict as varchar) as verdict,
        cast(replacement as varchar) as replacement,
        cast(decided_by as varchar) as decided_by,
        decided_at,
        cast(why as varchar) as why,
        expires_at,
    from judged
    where
        problem is not null
        and not (problem = 'unknown_decision' and decision_id in (select decision_id from forgotten))

)

select * from final
