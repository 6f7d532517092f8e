-- what each offer changes, by channel, segment and outcome: those it was sent to against those held out at random
{{ config(enabled=holdfast.has_system('offers')) }}
{% set outcomes = ['retained', 'orders', 'revenue', 'margin'] -%}
{#- the cell that a row belongs to; offers and channels may be NULL -#}
{% set cell = ['offer_key', 'channel_key', 'segment'] -%}
{% set unlikely = '0.001e0' -%}
{% set unitless = 'decimal(38, 15)' -%}
with

comparable as (

    {{ holdfast.comparable_sends() | indent(4) }}

),

usable as (

    select
        *,
        coalesce(cast(offer_id as varchar), '') as offer_key,
        coalesce(channel, '') as channel_key,
    from comparable

),

arms as (

    select
        campaign_id,
        offer_key,
        channel_key,
    from usable
    where not is_control
    group by campaign_id, offer_key, channel_key

),

-- a control without an offer, or a channel, is one for all of its campaign
paired as (

    select
        customer_id,
        campaign_id,
        offer_key,
        channel_key,
        segment,
        is_control,
        propensity,
        is_mature,
        {%- for outcome in outcomes %}
        {{ outcome }},
        prior_{{ outcome }},
        {%- endfor %}
    from usable
    where not is_control

    union all

    select
        usable.customer_id,
        usable.campaign_id,
        arms.offer_key,
        arms.channel_key,
        usable.segment,
        usable.is_control,
        usable.propensity,
        usable.is_mature,
        {%- for outcome in outcomes %}
        usable.{{ outcome }},
        usable.prior_{{ outcome }},
        {%- endfor %}
    from usable
    inner join arms
        on arms.campaign_id = usable.campaign_id
        and usable.offer_key in ('', arms.offer_key)
        and usable.channel_key in ('', arms.channel_key)
    where usable.is_control

),

in_segments as (

    select {{ holdfast.all_with({'segment': holdfast.text('all')}) }}
    from paired

    union all

    select *
    from paired

),

offers as (

    select
        offer_key,
        channel_key,
        max(offer_id) as offer_id,
    from usable
    where not is_control
    group by offer_key, channel_key

),

effects as (

    {{ holdfast.measured_effects('usable', 'in_segments', cell) | indent(4) }}

),

judged as (

    select
        effects.*,
        offers.offer_id,
    from effects
    inner join offers
        on offers.offer_key = effects.offer_key
        and offers.channel_key = effects.channel_key

),

estimated as (

    select
        offer_key,
        channel_key,
        segment,
        outcome,
        effect,
        effect_error * effect_error as variance,
        max(effect_error * effect_error) over (partition by segment, outcome) as most,
    from judged
    where status = 'estimated'

),

-- the best of many is overstated: estimates are drawn towards the mean of all offers, the more the less they tell. How
-- much effects differ is not known: forty values are weighed by how well they agree with the estimates
spreads as (

    select
        segment,
        outcome,
        sqrt(
            max(most) * cast(sum(cast(variance / cast(nullif(most, 0e0) as double) as {{ unitless }})) as double)
            / cast(count(*) as double)
        ) as size,
    from estimated
    group by segment, outcome
    having count(*) >= 2

),

-- in units of the usual error, so that sums are decimals, which are the same in every order
scaled as (

    select
        estimated.offer_key,
        estimated.channel_key,
        estimated.segment,
        estimated.outcome,
        spreads.size,
        estimated.effect / cast(spreads.size as double) as effect,
        estimated.variance / cast(spreads.size * spreads.size as double) as variance,
    from estimated
    inner join spreads
        on spreads.segment = estimated.segment
        and spreads.outcome = estimated.outcome
    where estimated.variance > 0

),

steps as (

    select
        step,
        power(tan(1.5707963267948966e0 * (step + 0.5e0) / 40e0), 2e0) as spread,
    from (select {{ holdfast.whole_numbers('39') }} as step) as numbers

),

grid as (

    select
        scaled.*,
        steps.step,
        steps.spread,
        1e0 / cast(scaled.variance + steps.spread as double) as weight,
    from scaled
    cross join steps

),

totals as (

    select
        segment,
        outcome,
        step,
        spread,
        cast(sum(cast(weight as {{ unitless }})) as double) as weights,
        cast(sum(cast(weight * effect as {{ unitless }})) as double) as effects,
        cast(sum(cast(weight * effect * effect as {{ unitless }})) as double) as squares,
        cast(sum(cast(ln(weight) as {{ unitless }})) as double) as logarithms,
    from grid
    group by segment, outcome, step, spread

),

centres as (

    select
        *,
        effects / cast(weights as double) as centre,
        0.5e0 * (logarithms - ln(weights) - squares + effects * effects / cast(weights as double)) as log_weight,
    from totals

),

centre_weights as (

    select
        *,
        exp(log_weight - max(log_weight) over (partition by segment, outcome)) as centre_weight,
    from centres

),

drawn as (

    select
        grid.offer_key,
        grid.channel_key,
        grid.segment,
        grid.outcome,
        grid.size,
        centre_weights.centre_weight as weight,
        centre_weights.centre + (grid.effect - centre_weights.centre) * grid.spread * grid.weight as mean,
        grid.variance * grid.spread * grid.weight
        + power(grid.variance * grid.weight, 2e0) / cast(centre_weights.weights as double) as rest,
    from grid
    inner join centre_weights
        on centre_weights.segment = grid.segment
        and centre_weights.outcome = grid.outcome
        and centre_weights.step = grid.step

),

averages as (

    select
        offer_key,
        channel_key,
        segment,
        outcome,
        size,
        cast(sum(cast(weight * mean as {{ unitless }})) as double)
        / cast(sum(cast(weight as {{ unitless }})) as double) as mean,
        cast(sum(cast(weight * (rest + mean * mean) as {{ unitless }})) as double)
        / cast(sum(cast(weight as {{ unitless }})) as double) as square,
    from drawn
    group by offer_key, channel_key, segment, outcome, size

),

shrunk as (

    select
        offer_key,
        channel_key,
        segment,
        outcome,
        size * mean as effect_shrunk,
        size * sqrt(greatest(square - mean * mean, 0e0)) as shrunk_error,
    from averages

),

bounded as (

    select
        judged.*,
        judged.status = 'estimated' as is_estimated,
        {{ holdfast.student_quantile('judged.difference_freedom') }} as difference_reach,
        {{ holdfast.student_quantile('judged.effect_freedom') }} as effect_reach,
        coalesce(shrunk.effect_shrunk, judged.effect) as effect_shrunk,
        shrunk.shrunk_error,
    from judged
    left join shrunk
        on shrunk.offer_key = judged.offer_key
        and shrunk.channel_key = judged.channel_key
        and shrunk.segment = judged.segment
        and shrunk.outcome = judged.outcome

),

intervals as (

    select
        *,
        difference - difference_reach * difference_error as difference_lower,
        difference + difference_reach * difference_error as difference_upper,
        effect - effect_reach * effect_error as effect_lower,
        effect + effect_reach * effect_error as effect_upper,
        effect_shrunk - coalesce(1.959964e0 * shrunk_error, effect_reach * effect_error) as effect_shrunk_lower,
        effect_shrunk + coalesce(1.959964e0 * shrunk_error, effect_reach * effect_error) as effect_shrunk_upper,
        (effect_reach + 0.8416212e0) * effect_error as smallest_detectable,
    from bounded

),

{% set unit = {
    'retained': ['100e0 * ', '{size:1} percentage points more of the customers order', '{size:1} percentage points fewer of the customers order', '{least:1} percentage points'],
    'orders': ['100e0 * ', '{size:1} more orders per 100 customers', '{size:1} fewer orders per 100 customers', '{least:1} orders per 100 customers'],
    'revenue': ['', '{size:money} more revenue per customer', '{size:money} less revenue per customer', '{least:money} per customer'],
    'margin': ['', '{size:money} more margin per customer', '{size:money} less margin per customer', '{least:money} per customer'],
} -%}
told as (

    select
        *,
        case status
            when 'immature' then 'No response window is over yet'
            when 'no_control' then 'Nobody was held out, so no effect can be told'
            when 'not_randomised'
                then case
                    when is_certain then 'The propensities say that nothing was drawn at random: no claim'
                    when srm_p < {{ unlikely }}
                        then 'The control group has not the size that was drawn, so customers may differ: no claim'
                    else 'The control group already differed before the send, so it was not drawn at random: no claim'
                end
            when 'small_control'
                then {{ holdfast.told(
                    'Too little to tell: {treated:# customer was|# customers were} sent it and {held} held out, '
                    ~ 'of whom {bought} and {stayed} ordered',
                    {'treated': 'treated_customers', 'held': 'control_customers', 'bought': 'treated_buyers', 'stayed': 'control_buyers'}
                ) }}
            else case outcome
                {%- for outcome in outcomes %}
                {%- set scale, more, less, least = unit[outcome] %}
                when {{ holdfast.text(outcome) }}
                    then case
                        when effect_lower > 0e0
                            then {{ holdfast.told('Works: ' ~ more, {'size': scale ~ 'effect'}) }}
                        when effect_upper < 0e0
                            then {{ holdfast.told('Harms: ' ~ less, {'size': '-1e0 * ' ~ scale ~ 'effect'}) }}
                        else {{ holdfast.told(
                            'No effect shown; one of ' ~ least ~ ' would have been found four times in five',
                            {'least': scale ~ 'smallest_detectable'}
                        ) }}
                    end
                {%- endfor %}
            end
        end as finding,
    from intervals

),

final as (

    select
        offer_id,
        nullif(channel_key, '') as channel,
        segment,
        cast(outcome as varchar) as outcome,
        {{ holdfast.as_of_date() }} as as_of_date,
        cast(status as varchar) as status,
        campaigns,
        treated,
        control,
        treated_customers,
        control_customers,
        immature,
        treated_mean,
        control_mean,
        {%- for name in [
            'difference', 'difference_lower', 'difference_upper', 'effect', 'effect_lower', 'effect_upper',
            'effect_shrunk', 'effect_shrunk_lower', 'effect_shrunk_upper', 'smallest_detectable',
        ] %}
        case when is_estimated then {{ name }} end as {{ name }},
        {%- endfor %}
        srm_p,
        balance_p,
        cast(finding as varchar) as finding,
    from told

)

select * from final
