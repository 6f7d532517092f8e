{{ config(enabled=holdfast.has_system('offers')) }}
-- what to offer each customer, or to leave them alone, and why
{% set as_of = 'cast(' ~ holdfast.as_of_date() ~ ' as timestamp)' -%}
{% set days = holdfast.setting('response_days') -%}
{% set open_days = 14 -%}
{% set rules = [
    holdfast.setting('contact_budget'), holdfast.setting('contact_cost'), holdfast.setting('margin_rate'),
    holdfast.setting('offer_budget'), holdfast.setting('random_share'), days, holdfast.setting('segment_budgets'),
] -%}
{#- the number is counted up when the code of the policy changes -#}
{% set version = 'offers 1 ' ~ local_md5(rules | string)[:8] -%}
{#- why an offer is not made, from what is furthest from it to what is nearest: a customer is told the nearest -#}
{% set barriers = [
    'open_decision', 'channel_cap', 'frequency_cap', 'recent_complaint', 'open_complaint', 'no_consent', 'do_not_contact',
    'global_holdout', 'not_valid', 'unknown_cost', 'discount_gap', 'no_effect_shown', 'costs_more', 'drives_away', 'buys_anyway', 'limits',
] -%}
with

customers as (

    {{ holdfast.all_customers() | indent(4) }}

),

candidates as (

    select * from {{ ref('holdfast', 'holdfast__offer_candidates') }}

),

choices as (

    select * from {{ ref('holdfast', 'holdfast__offer_choices') }}

),

triggers as (

    {% if holdfast.has_system('timing') -%}
    -- what ends within a day is over before a message is sent
    select
        customer_id,
        evidence,
        expires_at,
    from {{ ref('holdfast', 'holdfast__lifecycle_triggers') }}
    where
        is_first_choice
        and expires_at >= {{ as_of }} + interval 1 day
    {%- else -%}
    select
        customer_id,
        cast(null as varchar) as evidence,
        cast(null as timestamp) as expires_at,
    from candidates
    where false
    {%- endif %}

),

-- what may be drawn, leave_alone among them, and the policy's choice whether or not it may; for the random arm that is
-- what the policy would have chosen
actions as (

    select *
    from (
        select
            candidates.customer_id,
            candidates.action,
            candidates.channel,
            candidates.is_in_trial,
            coalesce(
                case when candidates.arm = 'policy' then choices.is_chosen else choices.is_preferred end, false
            ) as is_chosen,
        from candidates
        left join choices
            on choices.customer_id = candidates.customer_id
            and choices.offer_id = candidates.offer_id
    ) as offers
    where
        is_in_trial
        or is_chosen

    union all

    select
        customer_id,
        'leave_alone' as action,
        cast(null as varchar) as channel,
        true as is_in_trial,
        false as is_chosen,
    from customers

),

decided as (

    {{ holdfast.policy_arms('actions', as_of, 'offers', 'is_in_trial') | indent(4) }}

),

nearest as (

    select
        customer_id,
        max(model_id) as model_id,
        {{ holdfast.value_at_max('because', '(nearness, expected_profit, because)') }} as because,
    from (
        select
            customer_id,
            model_id,
            coalesce(not_because, 'limits') as because,
            case coalesce(not_because, 'limits')
                {%- for barrier in barriers %}
                when {{ holdfast.text(barrier) }} then {{ loop.index }}
                {%- endfor %}
                else 0
            end as nearness,
            coalesce(expected_profit, -1e300) as expected_profit,
        from candidates
    ) as told
    group by customer_id

),

explained as (

    select
        decided.customer_id,
        decided.action,
        decided.channel,
        decided.arm,
        decided.propensity,
        decided.action = 'leave_alone' as is_idle,
        case
            when decided.action <> 'leave_alone' then null
            when decided.arm = 'holdout' then 'global_holdout'
            when decided.arm = 'random' and decided.action_count > 1 then 'random'
            else coalesce(nearest.because, 'no_offer')
        end as because,
        candidates.offer_id,
        coalesce(candidates.offer_name, decided.action) as offer_name,
        candidates.expected_profit,
        candidates.expected_profit_lower,
        candidates.expected_profit_upper,
        candidates.valid_to,
        nearest.model_id,
        triggers.evidence,
        triggers.expires_at,
    from decided
    left join candidates
        on candidates.customer_id = decided.customer_id
        and candidates.action = decided.action
    left join nearest on nearest.customer_id = decided.customer_id
    left join triggers on triggers.customer_id = decided.customer_id

),

final as (

    select
        customer_id,
        {{ as_of }} as as_of,
        {{ holdfast.as_of_date() }} as as_of_date,
        cast('offers' as varchar) as system,
        cast(action as varchar) as action,
        cast(channel as varchar) as channel,
        offer_id,
        cast(case when not is_idle then offer_name end as varchar) as offer_name,
        cast(arm as varchar) as arm,
        cast(propensity as double) as propensity,
        -- compared with leaving the customer alone
        case when is_idle then 0e0 else expected_profit end as expected_profit,
        case when is_idle then 0e0 else expected_profit_lower end as expected_profit_lower,
        case when is_idle then 0e0 else expected_profit_upper end as expected_profit_upper,
        cast(model_id as varchar) as model_id,
        cast({{ holdfast.text(version) }} as varchar) as policy_version,
        cast(nullif(because, 'random') as varchar) as dropped_because,
        cast({{ holdfast.offer_reason({
            'action': 'action', 'arm': 'arm', 'dropped_because': 'because', 'offer': 'offer_name', 'channel': 'channel',
            'profit': 'expected_profit', 'days': days | string, 'trigger': 'evidence',
        }) | indent(8) }} as varchar) as reason,
        not is_idle and {{ holdfast.needs_review('action') }} as needs_review,
        case when not is_idle then {{ as_of }} end as due_at,
        case
            when not is_idle then least({{ as_of }} + interval {{ open_days }} day, valid_to, expires_at)
        end as expires_at,
    from explained

)

select * from final
