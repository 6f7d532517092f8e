-- how the next send of each campaign is best divided among its variants
{{ config(enabled=holdfast.has_system('campaigns')) }}
{% set as_of = 'cast(' ~ holdfast.as_of_date() ~ ' as timestamp)' -%}
{% set goal = holdfast.setting('campaign_goal') -%}
{% set exact = 'decimal(38, 9)' -%}
{#- benchmarks/campaigns.py measures the regret with the same share -#}
{% set exploration = '0.02e0' -%}
{% set least_sends = 30 -%}
{#- a campaign without a send for three response windows has ended -#}
{% set ended_days = 3 * holdfast.setting('response_days') -%}
{#- learning may stop when the wrong choice would cost less than this share of what a send brings -#}
{% set tolerance = '0.01e0' -%}
{% set whole = ' rows between unbounded preceding and unbounded following)' -%}
{% set group = '(partition by campaign_id, segment order by arm asc nulls last' ~ whole -%}
with

-- what nobody stated is a value of its own, so that no send is lost
sends as (

    select
        outcomes.campaign_id,
        outcomes.segment,
        outcomes.offer_id,
        coalesce(cast(outcomes.offer_id as varchar), '') as offer_key,
        coalesce(nullif(trim(outcomes.variant), ''), '') as variant_key,
        coalesce(outcomes.channel, '') as channel_key,
        outcomes.sent_at,
        cast(date_trunc('week', outcomes.sent_at) as date) as week,
        outcomes.is_mature,
        outcomes.excluded_because,
        outcomes.is_retained,
        outcomes.revenue,
        cast(outcomes.margin as double)
        - coalesce(cast(outcomes.cost as double), cast({{ holdfast.setting('contact_cost') }} as double))
        - case when outcomes.is_retained then coalesce(cast(offers.cost as double), 0e0) else 0e0 end as profit,
        coalesce(offers.valid_from <= {{ as_of }}, true)
        and coalesce(offers.valid_to > {{ as_of }}, true) as is_available,
    from {{ ref('holdfast', 'holdfast__send_outcomes') }} as outcomes
    left join {{ ref('holdfast', 'stg_holdfast__offers') }} as offers on offers.offer_id = outcomes.offer_id
    where not outcomes.is_control

),

-- without costs of products there is no profit to know
goals as (

    select
        case
            when {{ holdfast.text(goal) }} <> 'profit' or count(profit) > 0 then {{ holdfast.text(goal) }}
            else 'response'
        end as goal,
    from sends

),

campaigns as (

    select
        campaign_id,
        max(sent_at) + interval {{ ended_days }} day <= {{ as_of }} as is_ended,
    from sends
    group by campaign_id

),

variants as (

    select
        *,
        row_number() over (
            partition by campaign_id
            order by offer_key asc nulls last, variant_key asc nulls last, channel_key asc nulls last
        ) as arm,
    from (
        select
            campaign_id,
            offer_key,
            variant_key,
            channel_key,
            max(offer_id) as offer_id,
            bool_and(is_available) as is_available,
        from sends
        group by campaign_id, offer_key, variant_key, channel_key
    ) as listed

),

numbered as (

    select
        sends.campaign_id,
        sends.segment,
        variants.arm,
        sends.week,
        sends.is_mature,
        sends.excluded_because,
        sends.is_retained,
        case
            when sends.is_mature and sends.excluded_because is null
                then greatest(least(
                    case goals.goal
                        when 'profit' then sends.profit
                        when 'revenue' then cast(sends.revenue as double)
                        else cast(cast(sends.is_retained as integer) as double)
                    end, 1e10
                ), -1e10)
        end as outcome,
    from sends
    inner join variants
        on variants.campaign_id = sends.campaign_id
        and variants.offer_key = sends.offer_key
        and variants.variant_key = sends.variant_key
        and variants.channel_key = sends.channel_key
    cross join goals

),

-- customers of different segments differ, so those of all segments are compared within their segment too
split as (

    select
        campaign_id,
        segment,
        '' as stratum,
        arm,
        week,
        is_mature,
        excluded_because,
        is_retained,
        outcome,
    from numbered

    union all

    select
        campaign_id,
        'all' as segment,
        segment as stratum,
        arm,
        week,
        is_mature,
        excluded_because,
        is_retained,
        outcome,
    from numbered

),

counts as (

    select
        campaign_id,
        segment,
        arm,
        count(*) as sends,
        count(*) filter (where excluded_because is not null) as excluded_sends,
        count(outcome) as mature_sends,
        count(*) filter (where outcome is not null and is_retained) as responses,
        count(*) filter (where excluded_because is null and not is_mature) as immature_sends,
        cast(sum(cast(outcome as {{ exact }})) as double) / cast(nullif(count(outcome), 0) as double) as mean_outcome,
    from split
    group by campaign_id, segment, arm

),

groups as (

    select
        campaign_id,
        segment,
        sum(mature_sends) as group_sends,
    from counts
    group by campaign_id, segment

),

-- shares change over time and so do seasons, so that variants are compared within the weeks they share
cells as (

    select
        campaign_id,
        segment,
        stratum,
        week,
        arm,
        cast(count(*) as double) as sends,
        cast(sum(cast(outcome as {{ exact }})) as double) / cast(count(*) as double) as mean,
        cast(sum(cast(outcome * outcome as {{ exact }})) as double) as squares,
    from split
    where outcome is not null
    group by campaign_id, segment, stratum, week, arm

),

in_weeks as (

    select
        cells.*,
        sum(cells.sends) over (
            partition by cells.campaign_id, cells.segment, cells.stratum, cells.week
            order by cells.arm asc nulls last rows between unbounded preceding and unbounded following
        ) as stratum_sends,
    from cells
    inner join variants
        on variants.campaign_id = cells.campaign_id
        and variants.arm = cells.arm
    where variants.is_available

),

of_arms as (

    select
        campaign_id,
        segment,
        arm,
        cast(sum(cast(sends as {{ exact }})) as double) as sends,
        cast(sum(cast(sends * mean as {{ exact }})) as double) / cast(sum(sends) as double) as mean,
        cast(sum(cast(sends * (stratum_sends - sends) / cast(stratum_sends as double) as {{ exact }})) as double)
            as overlap,
    from in_weeks
    group by campaign_id, segment, arm

),

-- the variant that shares most weeks with the others is the one that all are compared with
reference as (

    select *
    from (
        select
            *,
            row_number() over (
                partition by campaign_id, segment
                order by overlap desc nulls last, sends desc nulls last, arm asc nulls last
            ) as place,
        from of_arms
    ) as ranked
    where place = 1

),

against_reference as (

    select
        campaign_id,
        segment,
        arm,
        cast(sum(cast(pair_sends as {{ exact }})) as double) as pair_sends,
        cast(sum(cast(pair_sends * difference as {{ exact }})) as double)
        / cast(sum(cast(pair_sends as {{ exact }})) as double) as difference,
    from (
        select
            cells.campaign_id,
            cells.segment,
            cells.arm,
            cells.sends * other.sends / cast(cells.sends + other.sends as double) as pair_sends,
            cells.mean - other.mean as difference,
        from in_weeks as cells
        inner join reference
            on reference.campaign_id = cells.campaign_id
            and reference.segment = cells.segment
        inner join in_weeks as other
            on other.campaign_id = cells.campaign_id
            and other.segment = cells.segment
            and other.stratum = cells.stratum
            and other.week = cells.week
            and other.arm = reference.arm
    ) as paired
    group by campaign_id, segment, arm

),

-- what a variant has in few of the weeks counts as fewer sends: as many as tell as much side by side
levelled as (

    select
        of_arms.campaign_id,
        of_arms.segment,
        of_arms.arm,
        of_arms.sends as arm_sends,
        reference.mean + against_reference.difference as estimate,
        case
            when of_arms.arm = reference.arm then of_arms.sends
            else of_arms.sends * least(
                against_reference.pair_sends
                * (of_arms.sends + reference.sends) / cast(of_arms.sends * reference.sends as double),
                1e0
            )
        end as sample_size,
    from of_arms
    inner join reference
        on reference.campaign_id = of_arms.campaign_id
        and reference.segment = of_arms.segment
    inner join against_reference
        on against_reference.campaign_id = of_arms.campaign_id
        and against_reference.segment = of_arms.segment
        and against_reference.arm = of_arms.arm

),

fitted as (

    select
        in_weeks.*,
        levelled.arm_sends,
        levelled.estimate,
        levelled.sample_size,
        in_weeks.mean - levelled.estimate as residual,
        cast(sum(cast(in_weeks.sends * (in_weeks.mean - levelled.estimate) as {{ exact }})) over (
            partition by in_weeks.campaign_id, in_weeks.segment, in_weeks.stratum, in_weeks.week
        ) as double) / cast(in_weeks.stratum_sends as double) as of_stratum,
        sum(in_weeks.sends) over (partition by in_weeks.campaign_id, in_weeks.segment) as group_sends,
        -- strata, each counted once
        cast(sum(cast(in_weeks.sends / cast(in_weeks.stratum_sends as double) as {{ exact }})) over (
            partition by in_weeks.campaign_id, in_weeks.segment
        ) as double) as strata,
    from in_weeks
    inner join levelled
        on levelled.campaign_id = in_weeks.campaign_id
        and levelled.segment = in_weeks.segment
        and levelled.arm = in_weeks.arm

),

estimated as (

    select
        campaign_id,
        segment,
        arm,
        max(estimate) as estimate,
        max(sample_size) as sample_size,
        cast(sum(cast(
            greatest(squares - sends * mean * mean, 0e0) + sends * power(residual - of_stratum, 2) as {{ exact }}
        )) as double)
        / cast(nullif(max(arm_sends) - 1e0, 0e0) as double)
        * max(group_sends / cast(greatest(group_sends - strata, 1e0) as double)) as deviation,
    from fitted
    group by campaign_id, segment, arm

),

listed as (

    select
        groups.campaign_id,
        groups.segment,
        groups.group_sends,
        variants.arm,
        variants.offer_id,
        nullif(variants.variant_key, '') as variant,
        nullif(variants.channel_key, '') as channel,
        variants.is_available,
        count(case when variants.is_available then 1 end) over (
            partition by groups.campaign_id, groups.segment
        ) as available,
    from groups
    inner join variants on variants.campaign_id = groups.campaign_id

),

grid as (

    select
        *,
        is_available and available = 1 as is_only,
    from listed

),

arms as (

    select
        grid.campaign_id,
        grid.segment,
        grid.arm,
        grid.available,
        true as is_open,
        estimated.estimate,
        estimated.sample_size,
        estimated.deviation,
        0e0 as added_variance,
    from grid
    left join estimated
        on estimated.campaign_id = grid.campaign_id
        and estimated.segment = grid.segment
        and estimated.arm = grid.arm
    where
        grid.is_available
        and grid.available > 1

),

allocated as (

    {{ holdfast.allocation_shares('arms', ['campaign_id', 'segment'], exploration) | indent(4) }}

),

measured as (

    select
        arms.campaign_id,
        arms.segment,
        arms.arm,
        case when allocated.variance is not null then arms.estimate end as estimate,
        arms.sample_size,
        allocated.variance,
        allocated.posterior_mean,
        allocated.probability_best,
        allocated.expected_loss,
        allocated.share,
        min(allocated.expected_loss) over (partition by arms.campaign_id, arms.segment) as least_loss,
        arms.available * (arms.available - 1) / 2e0 as comparisons,
    from arms
    inner join allocated
        on allocated.campaign_id = arms.campaign_id
        and allocated.segment = arms.segment
        and allocated.arm = arms.arm

),

pairs as (

    select
        one.campaign_id,
        one.segment,
        one.arm,
        one.estimate - other.estimate as difference,
        one.variance + other.variance as variance,
        one.sample_size as one_size,
        other.sample_size as other_size,
        one.comparisons,
    from measured as one
    inner join measured as other
        on other.campaign_id = one.campaign_id
        and other.segment = one.segment
        and other.arm <> one.arm

),

widths as (

    select
        *,
        case
            when variance is not null
                then {{ holdfast.anytime_half_width('variance', 'one_size', 'other_size', 'comparisons') }}
        end as half_width,
    from pairs

),

-- a variant against the best of the others is the least of its differences (Hsu, 1984)
against_best as (

    select
        campaign_id,
        segment,
        arm,
        min(difference) as difference,
        case when count(*) = count(half_width) then min(difference - half_width) end as difference_lower,
        min(difference + half_width) as difference_upper,
    from widths
    group by campaign_id, segment, arm

),

joined as (

    select
        grid.*,
        coalesce(counts.sends, 0) as sends,
        coalesce(counts.mature_sends, 0) as mature_sends,
        coalesce(counts.immature_sends, 0) as immature_sends,
        coalesce(counts.excluded_sends, 0) as excluded_sends,
        coalesce(counts.responses, 0) as responses,
        counts.mean_outcome,
        coalesce(measured.estimate, case when grid.is_only then counts.mean_outcome end) as estimate,
        measured.posterior_mean,
        measured.probability_best,
        measured.expected_loss,
        measured.share as own_share,
        measured.least_loss,
        against_best.difference,
        against_best.difference_lower,
        against_best.difference_upper,
        max(case when measured.expected_loss = measured.least_loss then abs(measured.posterior_mean) end) over (
            partition by grid.campaign_id, grid.segment
        ) as leading_size,
        count(measured.estimate) over (partition by grid.campaign_id, grid.segment) as comparable,
        grid.group_sends < {{ least_sends }} * grid.available as is_too_few,
        campaigns.is_ended,
    from grid
    inner join campaigns on campaigns.campaign_id = grid.campaign_id
    left join counts
        on counts.campaign_id = grid.campaign_id
        and counts.segment = grid.segment
        and counts.arm = grid.arm
    left join measured
        on measured.campaign_id = grid.campaign_id
        and measured.segment = grid.segment
        and measured.arm = grid.arm
    left join against_best
        on against_best.campaign_id = grid.campaign_id
        and against_best.segment = grid.segment
        and against_best.arm = grid.arm

),

-- a segment with too few sends goes by all customers of the campaign
shared as (

    select
        joined.*,
        case
            when not joined.is_available then 0e0
            when joined.available = 1 then 1e0
            when (case when joined.is_too_few then everybody.comparable else joined.comparable end) < 2
                then 1e0 / cast(joined.available as double)
            when joined.is_too_few then everybody.own_share
            else joined.own_share
        end as share,
        case
            when not joined.is_available then 'unavailable'
            when joined.is_ended then 'ended'
            when joined.available = 1 then 'single_variant'
            when joined.group_sends = 0 then 'immature'
            when joined.is_too_few then 'too_few'
            when joined.comparable < 2 then 'not_comparable'
            when joined.difference_lower > 0 then 'winner'
            when joined.difference_upper < 0 then 'beaten'
            when joined.least_loss < {{ tolerance }} * joined.leading_size then 'stopped'
            else 'exploring'
        end as status,
    from joined
    inner join joined as everybody
        on everybody.campaign_id = joined.campaign_id
        and everybody.arm = joined.arm
        and everybody.segment = 'all'

),

drawn as (

    select
        *,
        max(case when share > 0 then arm end) over {{ group }} as last_arm,
        sum(share) over {{ group.replace('and unbounded following', 'and current row') }} as shares_so_far,
    from shared

),

final as (

    select
        drawn.campaign_id,
        drawn.segment,
        drawn.offer_id,
        drawn.variant,
        drawn.channel,
        {{ holdfast.as_of_date() }} as as_of_date,
        cast(drawn.status as varchar) as status,
        drawn.sends,
        drawn.mature_sends,
        drawn.immature_sends,
        drawn.excluded_sends,
        drawn.responses,
        cast(drawn.responses as double) / cast(nullif(drawn.mature_sends, 0) as double) as response_rate,
        cast(goals.goal as varchar) as goal,
        drawn.mean_outcome,
        drawn.estimate,
        case when drawn.comparable > 0 then drawn.posterior_mean else drawn.estimate end as expected_outcome,
        case when drawn.is_only then 1e0 else drawn.probability_best end as probability_best,
        case
            when drawn.is_only then 0e0
            when drawn.comparable > 0 then drawn.expected_loss
        end as expected_loss,
        drawn.share,
        least(drawn.shares_so_far - drawn.share, 1e0) as draw_from,
        case when drawn.arm >= drawn.last_arm then 1e0 else least(drawn.shares_so_far, 1e0) end as draw_to,
        drawn.difference,
        drawn.difference_lower,
        drawn.difference_upper,
    from drawn
    cross join goals

)

select * from final
