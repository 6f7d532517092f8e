{{ config(enabled=holdfast.has_system('decisions')) }}
-- every decision with what people and sends have made of it by now
{% set as_of = 'cast(' ~ holdfast.as_of_date() ~ ' as timestamp)' -%}
{% set log = ref('holdfast', 'holdfast__decision_log') -%}
{#- where a policy does not say how long a decision holds, and for what a person decides against "leave alone" -#}
{% set default_days = 14 -%}
with

sends as (

    select
        nullif(trim(decision_id), '') as sent_id,
        customer_id,
        min(sent_at) as sent_at,
        min(case when coalesce(is_control, false) then 1 else 0 end) = 1 as is_control,
    from {{ holdfast.as_known_at(
        ref('holdfast', 'stg_holdfast__campaign_sends'), holdfast.event_times()['stg_holdfast__campaign_sends'], as_of
    ) }} as sends
    where decision_id is not null
    group by nullif(trim(decision_id), ''), customer_id

),

logged as (

    select
        log.*,
        log.action = 'leave_alone' or log.arm = 'holdout' as is_idle,
        coalesce(
            log.expires_at, case when log.action <> 'leave_alone' then log.as_of + interval {{ default_days }} day end
        ) as ends_at,
        sends.sent_at,
        coalesce(sends.is_control, false) as is_control,
        -- midnight to the microsecond is a date: all that was decided on that day was decided before
        case
            when sends.sent_at = date_trunc('day', sends.sent_at) then sends.sent_at + interval 1 day
            else sends.sent_at + interval 1 microsecond
        end as sent_before,
    from {{ log }} as log
    left join sends
        on sends.sent_id = log.decision_id
        and sends.customer_id = log.customer_id
    where log.as_of <= {{ as_of }}

),

-- an approval counts until the decision is sent or has expired
judged as (

    select
        *,
        least({{ as_of }}, coalesce(sent_before, ends_at, {{ as_of }})) as judged_at,
    from logged

),

verdicts as (

    {{ holdfast.decision_verdicts('judged', log) | indent(4) }}

),

offers as (

    {{ holdfast.action_offers() | indent(4) }}

),

decided as (

    select
        judged.*,
        verdicts.verdict,
        coalesce(verdicts.replacement, judged.action) as final_action,
        coalesce(verdicts.replacement <> judged.action, false) as has_override,
        coalesce(verdicts.verdict in ('approve', 'replace'), false) as has_approval,
        verdicts.replacement_channel,
        verdicts.contradiction,
        verdicts.decided_by,
        verdicts.decided_at,
        verdicts.why,
        judged.is_idle and verdicts.replacement is null as needs_nobody,
        coalesce(
            judged.ends_at, cast(date_trunc('day', verdicts.decided_at) as timestamp) + interval {{ default_days }} day
        ) as final_expires_at,
    from judged
    left join verdicts on verdicts.judged_id = judged.decision_id

),

with_status as (

    select
        decided.*,
        offers.offer_id,
        offers.offer_name,
        -- as in contact_policy, what is not stated may be a discount
        offers.offer_id is not null and coalesce(offers.discount > 0, true) as may_be_discount,
        offers.valid_from,
        offers.valid_to,
        coalesce(decided.channel, decided.replacement_channel, offers.channel) as final_channel,
        case
            when decided.sent_at is not null then 'sent'
            when decided.needs_nobody then 'proposed'
            when decided.verdict = 'veto' then 'vetoed'
            when decided.final_expires_at <= {{ as_of }} then 'expired'
            when decided.has_approval or not decided.needs_review then 'approved'
            else 'needs_review'
        end as status,
    from decided
    left join offers on offers.action = decided.final_action

),

contact_policy as (

    select * from {{ ref('holdfast', 'holdfast__contact_policy') }}

),

contact_timing as (

    {% if holdfast.has_system('timing') -%}
    select
        customer_id,
        channel,
        next_send_at,
    from {{ ref('holdfast', 'holdfast__contact_timing') }}
    {%- else -%}
    select
        customer_id,
        channel,
        cast(null as timestamp) as next_send_at,
    from contact_policy
    where false
    {%- endif %}

),

timed as (

    select
        with_status.*,
        coalesce(
            of_channel.next_send_at,
            of_any.next_send_at,
            greatest(with_status.due_at, {{ as_of }}),
            {{ as_of }}
        ) as send_at,
    from with_status
    left join contact_timing as of_channel
        on of_channel.customer_id = with_status.customer_id
        and of_channel.channel = with_status.final_channel
    left join contact_timing as of_any
        on of_any.customer_id = with_status.customer_id
        and of_any.channel = 'any'

),

-- what keeps an approved decision from leaving today
checked as (

    select
        timed.*,
        case
            when timed.status <> 'approved' then null
            when timed.due_at > {{ as_of }} then 'not_due'
            when timed.final_channel is null then 'no_channel'
            when contact_policy.customer_id is null then 'not_in_contact_policy'
            -- an open decision keeps others away, and not itself
            when
                not coalesce(contact_policy.is_contactable, false)
                and coalesce(contact_policy.dropped_because, 'not_contactable') <> 'open_decision'
                then coalesce(contact_policy.dropped_because, 'not_contactable')
            when contact_policy.is_holdout then 'global_holdout'
            when coalesce(contact_policy.has_refused_since, false) then 'consent_withdrawn'
            when
                timed.may_be_discount
                and not coalesce(contact_policy.is_discount_allowed, false)
                then 'discount_not_allowed'
            when timed.valid_from > {{ as_of }} or timed.valid_to <= {{ as_of }} then 'offer_not_valid'
            when timed.send_at >= timed.final_expires_at then 'expires_before_sending'
        end as barrier,
    from timed
    left join contact_policy
        on contact_policy.customer_id = timed.customer_id
        and contact_policy.channel = timed.final_channel

),

-- the earlier decision first, one for a customer at a time: what the caps allow is known when it is sent
queued as (

    select
        *,
        row_number() over (
            partition by
                customer_id,
                status = 'approved' and barrier is null
            order by
                as_of asc nulls last,
                expected_profit desc nulls last,
                decision_id asc nulls last
        ) as place,
    from checked

),

final as (

    select
        decision_id,
        customer_id,
        {{ holdfast.as_of_date() }} as as_of_date,
        as_of,
        system,
        cast(status as varchar) as status,
        cast(final_action as varchar) as action,
        action as proposed_action,
        cast(final_channel as varchar) as channel,
        offer_id,
        cast(offer_name as varchar) as offer_name,
        variant,
        arm,
        -- nobody knows how likely a person was to choose what they chose
        case when not has_override then propensity end as propensity,
        case when not has_override then expected_profit end as expected_profit,
        case when not has_override then expected_profit_lower end as expected_profit_lower,
        case when not has_override then expected_profit_upper end as expected_profit_upper,
        model_id,
        policy_version,
        dropped_because,
        cast(
            case when has_override then 'Chosen by a person' || coalesce(': ' || why, '') else reason end as varchar
        ) as reason,
        needs_review,
        has_approval,
        has_override,
        owner,
        cast(verdict as varchar) as verdict,
        cast(decided_by as varchar) as decided_by,
        decided_at,
        cast(why as varchar) as why,
        cast(contradiction as varchar) as contradiction,
        due_at,
        final_expires_at as expires_at,
        sent_at,
        is_control,
        cast(
            case
                when status <> 'approved' then null
                when barrier is not null then barrier
                when place > 1 then 'another_first'
            end as varchar
        ) as held_because,
        case when status = 'approved' and barrier is null and place = 1 then send_at end as send_at,
    from queued

)

select * from final
