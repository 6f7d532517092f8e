{{ config(enabled=holdfast.has_system('decisions')) }}
-- who may be contacted on which channel, and what keeps the others from it
{% set as_of = 'cast(' ~ holdfast.as_of_date() ~ ' as timestamp)' -%}
{% set times = holdfast.event_times() -%}
{% set caps = holdfast.setting('contact_caps') -%}
{% set quiet_days = holdfast.setting('complaint_quiet_days') -%}
{% set gap_days = holdfast.setting('discount_gap_days') -%}
with

offers as (

    select
        {{ holdfast.same_id('offer_id') }} as offer_key,
        channel,
        discount,
    from {{ ref('holdfast', 'stg_holdfast__offers') }}

),

sends as (

    select
        send_id,
        customer_id,
        sent_at,
        channel,
        lower(nullif(trim(channel), '')) as channel_key,
        {{ holdfast.same_id('offer_id') }} as offer_key,
        coalesce(is_control, false) as is_control,
    from {{ holdfast.as_known_at(
        ref('holdfast', 'stg_holdfast__campaign_sends'), times['stg_holdfast__campaign_sends'], as_of
    ) }} as sends

),

named as (

    select channel from offers

    union

    select channel from sends

),

channels as (

    select
        channel,
        lower(trim(channel)) as channel_key,
    from named
    where nullif(trim(channel), '') is not null

    union all

    select
        'email' as channel,
        'email' as channel_key,
    from (select count(nullif(trim(channel), '')) as known from named) as counted
    where known = 0

),

customers as (

    select
        customer_id,
        {{ holdfast.same_id('customer_id') }} as customer_key,
        {{ holdfast.in_global_holdout('customer_id') }} as is_holdout,
    from ({{ holdfast.all_customers() | indent(4) }}) as everybody
    where customer_id is not null

),

-- what cannot be read is a refusal, and one without a date holds
consents as (

    select
        {{ holdfast.same_id('customer_id') }} as customer_key,
        lower(nullif(trim(channel), '')) as channel_key,
        coalesce(is_allowed, false) as is_allowed,
        coalesce(changed_at, timestamp '9999-12-31') as changed_at,
        case
            when changed_at is null then not coalesce(is_allowed, false)
            else changed_at < {{ as_of }} and coalesce(loaded_at, changed_at) < {{ as_of }}
        end as is_known,
        changed_at is not null as is_dated,
    from {{ ref('holdfast', 'stg_holdfast__consents') }}

),

said as (

    select
        customer_key,
        channel_key,
        max(case when is_known and is_allowed then changed_at end) as allowed_at,
        max(case when is_known and not is_allowed then changed_at end) as refused_at,
        max(case when not is_known and is_dated and is_allowed then changed_at end) as later_allowed_at,
        max(case when not is_known and is_dated and not is_allowed then changed_at end) as later_refused_at,
    from consents
    group by customer_key, channel_key

),

-- the latest holds; of two at the same time, the refusal
answers as (

    select
        customer_key,
        channel_key,
        case
            when refused_at is not null then coalesce(allowed_at > refused_at, false)
            when allowed_at is not null then true
        end as is_allowed,
        -- what holds without a date was not refused on any day
        case when refused_at < timestamp '9999-12-31' then refused_at end as refused_at,
        later_refused_at is not null and not coalesce(later_allowed_at > later_refused_at, false) as has_refused_since,
    from said

),

complaints as (

    select
        customer_id,
        opened_at,
        case
            when resolved_at is not null then greatest(opened_at, resolved_at)
            -- where nobody writes down that tickets are resolved, they do not stay open for ever
            when coalesce({{ holdfast.told_by('support_tickets', 'resolved_at', 'false', 'boolean') }}, true)
                then opened_at
        end as quiet_from,
    from {{ holdfast.as_known_at(
        ref('holdfast', 'stg_holdfast__support_tickets'), times['stg_holdfast__support_tickets'], as_of
    ) }} as tickets
    where
        customer_id is not null
        and coalesce({{ holdfast.is_complaint('topic') }}, true)

),

quiet as (

    select
        customer_id,
        max(case when quiet_from is null then 1 else 0 end) = 1 as is_open,
        min(case when quiet_from is null then opened_at end) as open_since,
        max(quiet_from) as quiet_from,
        max({{ holdfast.plus_days('quiet_from', quiet_days) }}) as quiet_until,
    from complaints
    group by customer_id

),

caps as (

    {% for channel, cap in caps.items() -%}
    select
        {{ holdfast.text(channel | string | trim | lower) }} as cap_channel,
        {{ cap[0] }} as messages,
        {{ cap[1] }} as days,
    {{ 'union all' if not loop.last }}
    {% else -%}
    select
        'any' as cap_channel,
        0 as messages,
        0 as days,
    where false
    {% endfor %}
),

counted as (

    select
        sends.customer_id,
        caps.cap_channel,
        caps.messages,
        {{ holdfast.plus_days('sends.sent_at', 'caps.days') }} as free_at,
        row_number() over (
            partition by
                sends.customer_id,
                caps.cap_channel
            order by
                sends.sent_at desc nulls last,
                sends.send_id desc nulls last
        ) as place,
    from sends
    inner join caps
        on (caps.cap_channel = 'any' or caps.cap_channel = sends.channel_key)
        and sends.sent_at > {{ holdfast.plus_days(as_of, '-caps.days') }}
    where
        not sends.is_control
        and sends.customer_id is not null

),

-- one message fewer is in the days of the cap when the last of those that fill it drops out of them
full_caps as (

    select
        customer_id,
        cap_channel,
        free_at,
    from counted
    where place = messages

),

-- an offer of which nobody has said what it takes off may be a discount
discounts as (

    select sends.customer_id
    from sends
    left join offers on offers.offer_key = sends.offer_key
    where
        not sends.is_control
        and sends.offer_key is not null
        and coalesce(offers.discount, 1e0) > 0
        and sends.sent_at > {{ holdfast.plus_days(as_of, -gap_days) }}
    group by sends.customer_id

),

open_decisions as (

    select
        customer_id,
        min(as_of) as decided_at,
        max(expires_at) as expires_at,
    from {{ ref('holdfast', 'holdfast__open_decisions') }}
    group by customer_id

),

pairs as (

    select
        customers.*,
        channels.channel,
        channels.channel_key,
    from customers
    cross join channels

),

checked as (

    select
        pairs.customer_id,
        pairs.channel,
        pairs.is_holdout,
        coalesce(not everywhere.is_allowed, false) as is_not_to_be_contacted,
        {% if holdfast.has_input('consents') -%}
        coalesce(own.is_allowed, everywhere.is_allowed, {{ holdfast.setting('contact_without_consent') | lower }})
        {%- else -%}
        true
        {%- endif %} as has_consent,
        coalesce(own.has_refused_since, false) or coalesce(everywhere.has_refused_since, false) as has_refused_since,
        coalesce(quiet.is_open, false) as has_open_complaint,
        quiet.quiet_until,
        everywhere.refused_at as refused_everything_at,
        case when not own.is_allowed then own.refused_at end as refused_at,
        quiet.open_since,
        quiet.quiet_from,
        any_cap.free_at as any_free_at,
        channel_cap.free_at as channel_free_at,
        discounts.customer_id is null as is_discount_allowed,
        open_decisions.customer_id is not null as has_open_decision,
        open_decisions.expires_at,
        open_decisions.decided_at,
    from pairs
    left join answers as everywhere
        on everywhere.customer_key = pairs.customer_key
        and everywhere.channel_key is null
    left join answers as own
        on own.customer_key = pairs.customer_key
        and own.channel_key = pairs.channel_key
    left join quiet on quiet.customer_id = pairs.customer_id
    left join full_caps as any_cap
        on any_cap.customer_id = pairs.customer_id
        and any_cap.cap_channel = 'any'
    left join full_caps as channel_cap
        on channel_cap.customer_id = pairs.customer_id
        and channel_cap.cap_channel = pairs.channel_key
        and channel_cap.cap_channel <> 'any'
    left join discounts on discounts.customer_id = pairs.customer_id
    left join open_decisions on open_decisions.customer_id = pairs.customer_id

),

judged as (

    select
        *,
        case
            when is_holdout then 'global_holdout'
            when is_not_to_be_contacted then 'do_not_contact'
            when not has_consent then 'no_consent'
            when has_open_complaint then 'open_complaint'
            when quiet_until > {{ as_of }} then 'recent_complaint'
            when any_free_at is not null then 'frequency_cap'
            when channel_free_at is not null then 'channel_cap'
            -- comes last: it keeps other decisions away, and the open one may still be sent
            when has_open_decision then 'open_decision'
        end as dropped_because,
    from checked

),

final as (

    select
        customer_id,
        cast(channel as varchar) as channel,
        {{ holdfast.as_of_date() }} as as_of_date,
        dropped_because is null as is_contactable,
        cast(dropped_because as varchar) as dropped_because,
        is_holdout,
        is_discount_allowed,
        has_refused_since,
        case
            when dropped_because in ('global_holdout', 'do_not_contact', 'no_consent', 'open_complaint') then null
            else greatest({{ as_of }}, quiet_until, any_free_at, channel_free_at, expires_at)
        end as next_allowed_at,
        case dropped_because
            when 'do_not_contact' then refused_everything_at
            when 'no_consent' then refused_at
            when 'open_complaint' then open_since
            when 'recent_complaint' then quiet_from
            when 'open_decision' then decided_at
        end as dropped_since_at,
    from judged

)

select * from final
