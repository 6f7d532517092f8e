{{ config(enabled=holdfast.has_system('offers')) }}
-- what each offer would bring and cost for each customer, and whether it may be made at all
{% set as_of = 'cast(' ~ holdfast.as_of_date() ~ ' as timestamp)' -%}
{% set contact_cost = 'cast(' ~ holdfast.setting('contact_cost') ~ ' as double)' -%}
{% set days = holdfast.setting('response_days') -%}
{% set exact = 'decimal(38, 9)' -%}
{% set least_sends = 100 -%}
with

contact_policy as (

    select * from {{ ref('holdfast', 'holdfast__contact_policy') }}

),

offers as (

    select
        named.action,
        named.offer_id,
        named.offer_name,
        lower(nullif(trim(named.channel), '')) as channel_key,
        named.valid_to,
        coalesce(named.valid_from <= {{ as_of }}, true) and coalesce(named.valid_to > {{ as_of }}, true) as is_valid,
        given.cost is not null or given.discount is not null as is_cost_known,
        greatest(coalesce(cast(given.cost as double), 0e0), 0e0) as cost,
        least(greatest(coalesce(given.discount, 0e0), 0e0), 1e0) as discount,
        coalesce(given.discount > 0, true) as may_be_discount,
    from (
        {{ holdfast.action_offers() | indent(8) }}
    ) as named
    left join {{ ref('holdfast', 'stg_holdfast__offers') }} as given on given.offer_id = named.offer_id

),

-- an offer without a channel is made on the channels that it was sent on
sent_on as (

    select
        cast(offer_id as varchar) as action,
        lower(trim(channel)) as channel_key,
        count(*) as sends,
    from {{ ref('holdfast', 'holdfast__send_outcomes') }}
    where
        not is_control
        and offer_id is not null
        and nullif(trim(channel), '') is not null
    group by cast(offer_id as varchar), lower(trim(channel))

),

ever_sent as (

    select distinct action from sent_on

),

channels as (

    select distinct
        channel,
        lower(trim(channel)) as channel_key,
    from contact_policy

),

routes as (

    select
        offers.action,
        channels.channel,
        row_number() over (
            partition by offers.action
            order by sent_on.sends desc nulls last, channels.channel asc nulls last
        ) as place,
    from offers
    inner join channels on coalesce(offers.channel_key = channels.channel_key, true)
    left join ever_sent on ever_sent.action = offers.action
    left join sent_on
        on sent_on.action = offers.action
        and sent_on.channel_key = channels.channel_key
    where
        offers.channel_key is not null
        or ever_sent.action is null
        or sent_on.action is not null

),

-- the first channel on which the customer may be written to, else the first of all
routed as (

    select *
    from (
        select
            contact_policy.customer_id,
            contact_policy.channel,
            contact_policy.dropped_because,
            contact_policy.is_discount_allowed,
            routes.action,
            row_number() over (
                partition by contact_policy.customer_id, routes.action
                order by
                    case when contact_policy.is_contactable then 0 else 1 end asc nulls last,
                    routes.place asc nulls last
            ) as place,
        from contact_policy
        inner join routes on routes.channel = contact_policy.channel
    ) as ranked
    where place = 1

),

-- what is left of spend at full price once the goods are paid, over the days before all sends
margins as (

    select
        coalesce(
            cast(sum(prior_margin + coalesce(prior_discount, 0)) as double)
            / cast(
                nullif(sum(prior_revenue + coalesce(prior_discount, 0)) filter (where prior_margin is not null), 0)
                as double
            ),
            cast({{ holdfast.setting('margin_rate') }} as double)
        ) as rate,
    from {{ ref('holdfast', 'holdfast__send_outcomes') }}

),

-- not every order of the days after a send makes use of the offer: by the discounts given beyond those of customers
-- held out, as a share of what the offer takes off
sends as (

    select
        cast(outcomes.offer_id as varchar) as action,
        outcomes.is_control,
        offers.discount as offered,
        cast(outcomes.revenue + outcomes.discount as double) as spend,
        cast(outcomes.discount as double) as discount,
    from {{ ref('holdfast', 'holdfast__send_outcomes') }} as outcomes
    left join offers on offers.action = cast(outcomes.offer_id as varchar)
    where
        outcomes.is_mature
        and outcomes.excluded_because is null
        and outcomes.discount is not null

),

usual as (

    select
        coalesce(
            cast(sum(cast(discount as {{ exact }})) as double)
            / cast(nullif(sum(cast(spend as {{ exact }})), 0) as double), 0e0
        ) as share,
    from sends
    where is_control

),

given as (

    select
        action,
        count(*) as sends,
        cast(sum(cast(discount as {{ exact }})) as double)
        - max(usual.share) * cast(sum(cast(spend as {{ exact }})) as double) as discount,
        max(offered) * cast(sum(cast(spend as {{ exact }})) as double) as most,
    from sends
    cross join usual
    where
        not is_control
        and offered > 0
    group by action

),

of_all as (

    select sum(discount) / cast(nullif(sum(most), 0e0) as double) as share
    from (
        select *
        from given
        order by action asc nulls last
    ) as ordered
    having sum(sends) >= {{ least_sends }}

),

-- where too little tells, all orders make use of it
used as (

    select
        offers.action,
        least(greatest(coalesce(
            case
                when given.sends >= {{ least_sends }} then given.discount / cast(nullif(given.most, 0e0) as double)
            end,
            (select share from of_all), 1e0
        ), 0e0), 1e0) as share,
    from offers
    left join given on given.action = offers.action

),

uplift as (

    select * from {{ ref('holdfast', 'holdfast__offer_uplift') }}

),

-- where nothing is known of the customer without the offer, the cost is told rather too high
effects as (

    select
        routed.*,
        offers.offer_id,
        offers.offer_name,
        offers.is_valid,
        offers.is_cost_known,
        offers.may_be_discount,
        offers.cost,
        offers.discount * used.share as discount,
        offers.valid_to,
        margins.rate,
        segments.segment,
        uplift.model_id,
        coalesce(uplift.effect_kind in ('individual', 'average'), false)
        and uplift.spend_uplift is not null as has_effect,
        -- an interval across zero shows nothing
        coalesce(uplift.retained_uplift_lower > 0 or uplift.retained_uplift_upper < 0, false)
        or coalesce(uplift.spend_uplift_lower > 0 or uplift.spend_uplift_upper < 0, false) as is_shown,
        least(greatest(coalesce(uplift.retained_without, 1e0), 0e0), 1e0) as retained_without,
        greatest(
            coalesce(
                uplift.spend_without, cast(customer_value.expected_spend_90d as double) * {{ days }} / 90e0, 0e0
            ), 0e0
        ) as spend_without,
        {%- for name in ['retained_uplift', 'spend_uplift'] %}
        coalesce(uplift.{{ name }}, 0e0) as {{ name }},
        coalesce(uplift.{{ name }} - uplift.{{ name }}_lower, 0e0) as {{ name }}_below,
        coalesce(uplift.{{ name }}_upper - uplift.{{ name }}, 0e0) as {{ name }}_above,
        {%- endfor %}
    from routed
    inner join offers on offers.action = routed.action
    inner join used on used.action = routed.action
    cross join margins
    left join uplift
        on uplift.customer_id = routed.customer_id
        and uplift.offer_id = offers.offer_id
    left join {{ ref('holdfast', 'holdfast__customer_segments') }} as segments
        on segments.customer_id = routed.customer_id
    left join {{ ref('holdfast', 'holdfast__customer_value') }} as customer_value
        on customer_value.customer_id = routed.customer_id

),

-- discount and cost are also paid to those who would have bought anyway
paid as (

    select
        *,
        discount * greatest(spend_without + spend_uplift, 0e0)
        + cost * least(greatest(retained_without + retained_uplift, 0e0), 1e0) + {{ contact_cost }} as expected_cost,
        discount * spend_without + cost * retained_without as subsidy,
    from effects

),

-- more orders mean more spend and more gifts: taken as independent, the two give the wider interval
priced as (

    select
        *,
        rate * spend_uplift - expected_cost as profit,
        sqrt(power((rate - discount) * spend_less, 2e0) + power(cost * retained_uplift_above, 2e0)) as profit_below,
        sqrt(power((rate - discount) * spend_more, 2e0) + power(cost * retained_uplift_below, 2e0)) as profit_above,
    from (
        select
            *,
            -- more spend means less profit where the discount is more than the margin
            case when rate >= discount then spend_uplift_below else spend_uplift_above end as spend_less,
            case when rate >= discount then spend_uplift_above else spend_uplift_below end as spend_more,
        from paid
    ) as directed

),

judged as (

    select
        *,
        case
            when dropped_because is not null then dropped_because
            when not is_valid then 'not_valid'
            when not is_cost_known then 'unknown_cost'
            when may_be_discount and not is_discount_allowed then 'discount_gap'
        end as barrier,
    from priced

),

classified as (

    select
        *,
        case
            when barrier is not null then barrier
            when not has_effect or not is_shown then 'no_effect_shown'
            when profit > 0 then null
            when retained_uplift < 0 or spend_uplift < 0 then 'drives_away'
            when profit + subsidy > 0 then 'buys_anyway'
            else 'costs_more'
        end as not_because,
    from judged

),

arms as (

    select
        customer_id,
        {{ holdfast.decision_arm('customer_id', as_of, 'offers') }} as arm,
        {{ holdfast.decision_draw('customer_id', as_of, 'order of offers') }} as draw,
    from (
        select distinct customer_id from contact_policy
    ) as customers

),

limits as (

    select
        kind,
        coalesce(name, '') as name,
        amount / 2e0 as most,
    from {{ ref('holdfast', 'holdfast__offer_limits') }}

),

-- whatever is drawn at random, it takes no more than half of a limit: customers come in the order of a draw of their
-- own, and count by the most that they can be drawn for
open_to_all as (

    select
        classified.customer_id,
        classified.action,
        classified.segment,
        cast(classified.expected_cost as decimal(38, 4)) as expected_cost,
        arms.arm,
        arms.draw,
    from classified
    inner join arms on arms.customer_id = classified.customer_id
    left join limits as of_offer
        on of_offer.kind = 'offer'
        and of_offer.name = classified.action
    left join limits as of_segment
        on of_segment.kind = 'segment'
        and of_segment.name = classified.segment
    where
        classified.barrier is null
        and coalesce(of_offer.most >= 1, true)
        and coalesce(of_segment.most >= 1, true)

),

trial_customers as (

    select
        customer_id,
        segment,
        arm,
        draw,
        max(expected_cost) as expected_cost,
    from open_to_all
    group by customer_id, segment, arm, draw

),

uses as (

    select
        'contacts' as kind,
        '' as name,
        customer_id,
        arm,
        draw,
        cast(1 as decimal(38, 4)) as use,
    from trial_customers

    union all

    select
        'budget' as kind,
        '' as name,
        customer_id,
        arm,
        draw,
        expected_cost as use,
    from trial_customers

    union all

    select
        'segment' as kind,
        segment as name,
        customer_id,
        arm,
        draw,
        cast(1 as decimal(38, 4)) as use,
    from trial_customers

    union all

    select
        'offer' as kind,
        action as name,
        customer_id,
        arm,
        draw,
        cast(1 as decimal(38, 4)) as use,
    from open_to_all

),

used_up as (

    select
        uses.kind,
        uses.name,
        uses.customer_id,
        limits.most,
        cast(uses.use as double) + coalesce(
            cast(sum(case when uses.arm = 'random' then uses.use else 0 end) over (
                partition by uses.kind, uses.name
                order by uses.draw asc nulls last, uses.customer_id asc nulls last
                rows between unbounded preceding and 1 preceding
            ) as double), 0e0
        ) as use,
    from uses
    inner join limits
        on limits.kind = uses.kind
        and limits.name = uses.name

),

left_out as (

    select distinct
        customer_id,
        case when kind = 'offer' then name end as action,
    from used_up
    where use > most

),

trials as (

    select
        open_to_all.customer_id,
        open_to_all.action,
        open_to_all.arm,
    from open_to_all
    left join left_out as of_offer
        on of_offer.customer_id = open_to_all.customer_id
        and of_offer.action = open_to_all.action
    left join left_out as of_customer
        on of_customer.customer_id = open_to_all.customer_id
        and of_customer.action is null
    where
        of_offer.customer_id is null
        and of_customer.customer_id is null

),

-- what is drawn does not depend on what is chosen, and comes first: the choice has what it leaves of the limits
drawable as (

    select
        trials.customer_id,
        trials.action,
        routed.channel,
        false as is_chosen,
    from trials
    inner join routed
        on routed.customer_id = trials.customer_id
        and routed.action = trials.action
    where trials.arm = 'random'

    union all

    select
        customer_id,
        'leave_alone' as action,
        cast(null as varchar) as channel,
        true as is_chosen,
    from arms
    where arm = 'random'

),

draws as (

    select
        customer_id,
        action,
    from (
        {{ holdfast.policy_arms('drawable', as_of, 'offers') | indent(8) }}
    ) as drawn

),

final as (

    select
        classified.customer_id,
        classified.offer_id,
        cast(classified.action as varchar) as action,
        cast(classified.offer_name as varchar) as offer_name,
        cast(classified.channel as varchar) as channel,
        cast(classified.segment as varchar) as segment,
        cast(arms.arm as varchar) as arm,
        cast(classified.not_because as varchar) as not_because,
        trials.customer_id is not null as is_in_trial,
        draws.customer_id is not null as is_drawn,
        case when classified.has_effect then classified.profit end as expected_profit,
        case when classified.has_effect then classified.profit - classified.profit_below end as expected_profit_lower,
        case when classified.has_effect then classified.profit + classified.profit_above end as expected_profit_upper,
        cast(classified.expected_cost as decimal(38, 4)) as expected_cost,
        classified.subsidy,
        cast(classified.model_id as varchar) as model_id,
        classified.valid_to,
    from classified
    inner join arms on arms.customer_id = classified.customer_id
    left join trials
        on trials.customer_id = classified.customer_id
        and trials.action = classified.action
    left join draws
        on draws.customer_id = classified.customer_id
        and draws.action = classified.action

)

select * from final
