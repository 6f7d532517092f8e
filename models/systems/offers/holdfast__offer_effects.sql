-- what each offer changes, by channel, segment and outcome: those it was sent to against those held out at random
{{ config(enabled=holdfast.has_system('offers')) }}
{% set outcomes = ['retained', 'orders', 'revenue', 'margin'] -%}
{% set columns = {'retained': 'is_retained', 'orders': 'orders', 'revenue': 'revenue', 'margin': 'margin'} -%}
{% set exact = 'decimal(38, 9)' -%}
{#- the cell that a row belongs to; offers and channels may be NULL -#}
{% set cell = ['offer_key', 'channel_key', 'segment'] -%}
{% set least_customers = 30 -%}
{% set least_buyers = 5 -%}
{% set unlikely = '0.001e0' -%}
with

-- sums of the outcomes are kept as decimals, so that they are the same in whatever order the rows come
usable as (

    select
        customer_id,
        campaign_id,
        offer_id,
        coalesce(cast(offer_id as varchar), '') as offer_key,
        coalesce(channel, '') as channel_key,
        segment,
        is_control,
        propensity,
        is_mature,
        {%- for outcome in outcomes %}
        {%- for prior in ['', 'prior_'] %}
        {%- set value = prior ~ columns[outcome] %}
        {%- set number = 'cast(' ~ value ~ ' as integer)' if outcome == 'retained' else value %}
        greatest(least(cast({{ number }} as double), 1e10), -1e10) as {{ prior }}{{ outcome }},
        {%- endfor %}
        {%- endfor %}
    from {{ ref('holdfast', 'holdfast__send_outcomes') }}
    where excluded_because is null

),

-- propensities count where all sends of a campaign have one
campaigns as (

    select
        campaign_id,
        count(*) = count(propensity) as has_propensities,
        cast(count(*) as double) as sends,
        cast(count(*) filter (where is_control) as double) as controls,
    from usable
    group by campaign_id

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

-- a customer counts by the inverse of the probability of what they were given; what was certain was not drawn
weighed as (

    select
        paired.*,
        case when campaigns.has_propensities then 1e0 / cast(paired.propensity as double) else 1e0 end as weight,
        campaigns.has_propensities and paired.propensity >= 1 as is_certain,
    from paired
    inner join campaigns on campaigns.campaign_id = paired.campaign_id

),

split as (

    select {{ holdfast.all_with({'segment': holdfast.text('all')}) }}
    from weighed

    union all

    select *
    from weighed

),

cells as (

    select
        {{ cell | join(', ') }},
        count(*) filter (where not is_mature) as immature,
        count(distinct campaign_id) filter (where is_mature) as campaigns,
        {%- for arm, condition in [('treated', 'not is_control'), ('control', 'is_control')] %}
        count(*) filter (where is_mature and {{ condition }}) as {{ arm }},
        count(distinct case when is_mature and {{ condition }} then customer_id end) as {{ arm }}_customers,
        count(*) filter (where is_mature and {{ condition }} and retained > 0) as {{ arm }}_buyers,
        {%- endfor %}
        coalesce(bool_and(is_certain) filter (where is_mature), false) as is_certain,
    from split
    group by {{ cell | join(', ') }}

),

stratum_arms as (

    select
        {{ cell | join(', ') }},
        campaign_id,
        is_control,
        cast(count(*) as double) as sends,
        cast(sum(cast(weight as {{ exact }})) as double) as weight,
        cast(sum(cast(weight * weight as {{ exact }})) as double) as weight_squared,
        {%- for outcome in outcomes %}
        cast(sum(cast(weight * {{ outcome }} as {{ exact }})) as double) as {{ outcome }},
        cast(sum(cast(weight * prior_{{ outcome }} as {{ exact }})) as double) as prior_{{ outcome }},
        cast(sum(cast(weight * {{ outcome }} * {{ outcome }} as {{ exact }})) as double) as {{ outcome }}_squared,
        cast(sum(cast(weight * {{ outcome }} * prior_{{ outcome }} as {{ exact }})) as double) as {{ outcome }}_product,
        cast(sum(cast(weight * prior_{{ outcome }} * prior_{{ outcome }} as {{ exact }})) as double)
            as prior_{{ outcome }}_squared,
        {%- endfor %}
    from split
    where
        is_mature
        and not is_certain
    group by {{ cell | join(', ') }}, campaign_id, is_control
    having count(*) >= 2

),

-- customers are compared within their campaign, for campaigns differ in season and in the share that is held out; a campaign
-- counts by how much it tells
strata as (

    select
        {%- for key in cell %}
        treated.{{ key }},
        {%- endfor %}
        treated.campaign_id,
        treated.sends + control.sends as sends,
        treated.weight as treated_weight,
        control.weight as control_weight,
        treated.sends as treated_sends,
        control.sends as control_sends,
        treated.weight_squared + control.weight_squared as weight_squared,
        1e0 / cast((
            treated.weight_squared / cast(treated.weight * treated.weight as double)
            + control.weight_squared / cast(control.weight * control.weight as double)
        ) as double) as information,
        {%- for outcome in outcomes %}
        {%- for value in [outcome, 'prior_' ~ outcome] %}
        treated.{{ value }} / cast(treated.weight as double) as treated_{{ value }},
        control.{{ value }} / cast(control.weight as double) as control_{{ value }},
        (treated.{{ value }} + control.{{ value }}) / cast((treated.weight + control.weight) as double) as {{ value }},
        treated.{{ value }}_squared + control.{{ value }}_squared as {{ value }}_squared,
        {%- endfor %}
        treated.{{ outcome }}_product + control.{{ outcome }}_product as {{ outcome }}_product,
        {%- endfor %}
    from stratum_arms as treated
    inner join stratum_arms as control
        on control.campaign_id = treated.campaign_id
        {%- for key in cell %}
        and control.{{ key }} = treated.{{ key }}
        {%- endfor %}
    where
        not treated.is_control
        and control.is_control

),

-- CUPED (Deng et al., 2013): what the days before the send tell about the outcome is taken off
compared as (

    select
        {{ cell | join(', ') }},
        sum(sends) as sends,
        sum(information) as information,
        {%- for outcome in outcomes %}
        {%- set prior = 'prior_' ~ outcome %}
        sum(information * treated_{{ outcome }}) / cast(sum(information) as double) as treated_{{ outcome }},
        sum(information * control_{{ outcome }}) / cast(sum(information) as double) as control_{{ outcome }},
        sum(information * (treated_{{ prior }} - control_{{ prior }})) / cast(sum(information) as double) as difference_{{ prior }},
        coalesce(
            sum({{ outcome }}_product - (treated_weight + control_weight) * {{ outcome }} * {{ prior }})
            / cast(nullif(sum({{ prior }}_squared - (treated_weight + control_weight) * {{ prior }} * {{ prior }}), 0e0) as double),
            0e0
        ) as slope_{{ outcome }},
        nullif(sqrt(sum({{ outcome }}_squared) / cast(sum(treated_weight + control_weight) as double)), 0e0) as size_{{ outcome }},
        nullif(sqrt(sum({{ prior }}_squared) / cast(sum(treated_weight + control_weight) as double)), 0e0) as size_{{ prior }},
        {%- endfor %}
    from (
        select *
        from strata
        order by {{ cell | join(' asc nulls last, ') }} asc nulls last, campaign_id asc nulls last
    ) as ordered
    group by {{ cell | join(', ') }}

),

-- what each send adds to the error of a difference, in units of the outcome's size
errors as (

    select
        {%- for key in cell %}
        split.{{ key }},
        {%- endfor %}
        split.customer_id,
        split.is_control,
        compared.sends * strata.information / cast(compared.information as double) * split.weight
        / cast(case when split.is_control then strata.control_weight else -1e0 * strata.treated_weight end as double)
        * sqrt(
            case when split.is_control then strata.control_sends else strata.treated_sends end
            / cast((case when split.is_control then strata.control_sends else strata.treated_sends end - 1e0) as double)
        ) as share,
        {%- for outcome in outcomes %}
        {%- for value in [outcome, 'prior_' ~ outcome] %}
        split.{{ value }}
        - case when split.is_control then strata.control_{{ value }} else strata.treated_{{ value }} end as {{ value }},
        compared.size_{{ value }},
        {%- endfor %}
        compared.slope_{{ outcome }},
        {%- endfor %}
    from split
    inner join strata
        on strata.campaign_id = split.campaign_id
        {%- for key in cell %}
        and strata.{{ key }} = split.{{ key }}
        {%- endfor %}
    inner join compared
        on compared.{{ cell[0] }} = split.{{ cell[0] }}
        {%- for key in cell[1:] %}
        and compared.{{ key }} = split.{{ key }}
        {%- endfor %}
    where
        split.is_mature
        and not split.is_certain

),

-- a customer may be in several campaigns of an offer: their errors are added up before they are squared
of_customers as (

    select
        {{ cell | join(', ') }},
        customer_id,
        {%- for outcome in outcomes %}
        {%- set raw = 'share * ' ~ outcome ~ ' / cast(size_' ~ outcome ~ ' as double)' %}
        {%- set left = 'share * (' ~ outcome ~ ' - slope_' ~ outcome ~ ' * prior_' ~ outcome ~ ') / cast(size_' ~ outcome ~ ' as double)' %}
        {%- for arm, condition in [('treated', 'not is_control'), ('control', 'is_control')] %}
        cast(coalesce(sum(cast({{ raw }} as {{ exact }})) filter (where {{ condition }}), 0) as double)
            as {{ arm }}_{{ outcome }},
        cast(coalesce(sum(cast({{ left }} as {{ exact }})) filter (where {{ condition }}), 0) as double)
            as {{ arm }}_adjusted_{{ outcome }},
        {%- endfor %}
        cast(coalesce(sum(cast(share * prior_{{ outcome }} / cast(size_prior_{{ outcome }} as double) as {{ exact }})), 0) as double)
            as prior_{{ outcome }},
        {%- endfor %}
    from errors
    group by {{ cell | join(', ') }}, customer_id

),

variances as (

    select
        {{ cell | join(', ') }},
        {%- for outcome in outcomes %}
        {%- for value in [outcome, 'adjusted_' ~ outcome] %}
        {%- set both = '(treated_' ~ value ~ ' + control_' ~ value ~ ')' %}
        cast(sum(cast({{ both }} * {{ both }} as {{ exact }})) as double) as {{ value }},
        {%- for arm in ['treated', 'control'] %}
        cast(sum(cast({{ arm }}_{{ value }} * {{ arm }}_{{ value }} as {{ exact }})) as double) as {{ arm }}_{{ value }},
        {%- endfor %}
        {%- endfor %}
        cast(sum(cast(prior_{{ outcome }} * prior_{{ outcome }} as {{ exact }})) as double) as prior_{{ outcome }},
        {%- endfor %}
    from of_customers
    group by {{ cell | join(', ') }}

),

-- whether as many are in the control group as there should be: by the propensities, else in a segment as in the rest of its
-- campaign, and in a campaign as in the others where these agree among themselves
campaign_totals as (

    select
        sum(sends) as sends,
        sum(controls) as controls,
        sum(cast(controls * controls / cast(sends as double) as {{ exact }})) as agreement,
        count(*) as campaigns,
    from campaigns
    where
        not has_propensities
        and controls > 0
        and controls < sends

),

other_campaigns as (

    select
        campaigns.campaign_id,
        campaigns.sends,
        campaigns.controls,
        totals.sends - campaigns.sends as other_sends,
        (totals.controls - campaigns.controls) / cast(nullif(totals.sends - campaigns.sends, 0e0) as double) as other_share,
        cast(totals.agreement as double) - campaigns.controls * campaigns.controls / cast(campaigns.sends as double)
        - (totals.controls - campaigns.controls) * (totals.controls - campaigns.controls)
        / cast(nullif(totals.sends - campaigns.sends, 0e0) as double) as disagreement,
        cast(totals.campaigns - 2 as double) as freedom,
    from campaigns
    cross join campaign_totals as totals
    where
        not campaigns.has_propensities
        and campaigns.controls > 0
        and campaigns.controls < campaigns.sends
        and totals.campaigns >= 3

),

-- chi-squared by Wilson and Hilferty (1931): the others agree unless that is less likely than one in a hundred
campaign_ratios as (

    select
        campaign_id,
        'all' as segment,
        (controls - sends * other_share)
        / cast(nullif(sqrt(sends * other_share * (1e0 - other_share) * (1e0 + sends / cast(other_sends as double))), 0e0) as double) as deviation,
    from other_campaigns
    where
        power(greatest(disagreement, 0e0) / cast((other_share * (1e0 - other_share) * freedom) as double), 1e0 / 3e0)
        < 1e0 - 2e0 / cast((9e0 * freedom) as double) + 2.326e0 * sqrt(2e0 / cast((9e0 * freedom) as double))

),

segment_counts as (

    select
        usable.campaign_id,
        usable.segment,
        cast(count(*) as double) as sends,
        cast(count(*) filter (where usable.is_control) as double) as controls,
    from usable
    group by usable.campaign_id, usable.segment

),

segment_rests as (

    select
        counts.campaign_id,
        counts.segment,
        counts.sends,
        counts.controls,
        campaigns.sends - counts.sends as other_sends,
        (campaigns.controls - counts.controls) / cast(nullif(campaigns.sends - counts.sends, 0e0) as double) as other_share,
    from segment_counts as counts
    inner join campaigns on campaigns.campaign_id = counts.campaign_id
    where not campaigns.has_propensities

),

ratios as (

    select * from campaign_ratios

    union all

    select
        campaign_id,
        segment,
        (controls - sends * other_share)
        / cast(nullif(sqrt(sends * other_share * (1e0 - other_share) * (1e0 + sends / cast(other_sends as double))), 0e0) as double) as deviation,
    from segment_rests
    where
        sends * least(other_share, 1e0 - other_share) >= 5e0
        and other_sends * least(other_share, 1e0 - other_share) >= 5e0

),

deviations as (

    select
        {%- for key in cell %}
        strata.{{ key }},
        {%- endfor %}
        case
            when campaigns.has_propensities
                then (strata.treated_weight - strata.control_weight) / cast(sqrt(strata.weight_squared) as double)
            else ratios.deviation
        end as deviation,
    from strata
    inner join campaigns on campaigns.campaign_id = strata.campaign_id
    left join ratios
        on ratios.campaign_id = strata.campaign_id
        and ratios.segment = strata.segment

),

-- of several campaigns the worst counts, by Bonferroni
largest_deviations as (

    select
        {{ cell | join(', ') }},
        -1e0 * max(abs(deviation)) as deviation,
        count(deviation) as campaigns,
    from deviations
    group by {{ cell | join(', ') }}

),

sample_ratios as (

    select
        {{ cell | join(', ') }},
        least(1e0, 2e0 * campaigns * ({{ holdfast.normal_cdf('deviation') }})) as srm_p,
    from largest_deviations

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

measured as (

    {% for outcome in outcomes -%}
    select
        offers.offer_id,
        cells.*,
        {{ loop.index }} as outcome_number,
        {{ holdfast.text(outcome) }} as outcome,
        compared.treated_{{ outcome }} as treated_mean,
        compared.control_{{ outcome }} as control_mean,
        compared.treated_{{ outcome }} - compared.control_{{ outcome }} as difference,
        compared.treated_{{ outcome }} - compared.control_{{ outcome }}
        - compared.slope_{{ outcome }} * compared.difference_prior_{{ outcome }} as effect,
        {%- for kind, value in [('difference', outcome), ('effect', 'adjusted_' ~ outcome)] %}
        sqrt(variances.{{ value }}) * compared.size_{{ outcome }} / cast(compared.sends as double) as {{ kind }}_error,
        (variances.treated_{{ value }} + variances.control_{{ value }})
        * (variances.treated_{{ value }} + variances.control_{{ value }})
        / cast(nullif(
            variances.treated_{{ value }} * variances.treated_{{ value }} / cast(nullif(cells.treated_customers - 1e0, 0e0) as double)
            + variances.control_{{ value }} * variances.control_{{ value }} / cast(nullif(cells.control_customers - 1e0, 0e0) as double),
            0e0
        ) as double) as {{ kind }}_freedom,
        {%- endfor %}
        -1e0 * abs(compared.difference_prior_{{ outcome }})
        / cast(nullif(sqrt(variances.prior_{{ outcome }}) * compared.size_prior_{{ outcome }} / cast(compared.sends as double), 0e0) as double)
            as imbalance,
        sample_ratios.srm_p,
        compared.sends is not null as is_compared,
        {{ 'cells.treated - cells.treated_buyers >= ' ~ least_buyers ~ ' and cells.control - cells.control_buyers >= '
            ~ least_buyers if outcome == 'retained' else 'true' }} as has_others,
    from cells
    inner join offers
        on offers.offer_key = cells.offer_key
        and offers.channel_key = cells.channel_key
    {%- for joined in ['compared', 'variances', 'sample_ratios'] %}
    left join {{ joined }}
        on {{ joined }}.{{ cell[0] }} = cells.{{ cell[0] }}
        {%- for key in cell[1:] %}
        and {{ joined }}.{{ key }} = cells.{{ key }}
        {%- endfor %}
    {%- endfor %}
    {%- if outcome == 'margin' %}
    where exists (select 1 from usable where prior_margin is not null)
    {%- endif %}
    {{ 'union all' if not loop.last }}
    {% endfor %}

),

checked as (

    select
        *,
        2e0 * ({{ holdfast.normal_cdf('imbalance') }}) as balance_p,
        min(2e0 * ({{ holdfast.normal_cdf('imbalance') }})) over (partition by {{ cell | join(', ') }})
        * {{ outcomes | length }} as least_balance_p,
    from measured

),

judged as (

    select
        *,
        case
            when treated + control = 0 then 'immature'
            when control = 0 then 'no_control'
            when is_certain then 'not_randomised'
            when
                least(treated_customers, control_customers) < {{ least_customers }}
                or least(treated_buyers, control_buyers) < {{ least_buyers }}
                or not has_others
                or not is_compared
                or effect_error is null
                then 'small_control'
            when coalesce(srm_p, 1e0) < {{ unlikely }} or coalesce(least_balance_p, 1e0) < {{ unlikely }}
                then 'not_randomised'
            else 'estimated'
        end as status,
    from checked

),

estimated as (

    select
        offer_key,
        channel_key,
        segment,
        outcome,
        effect,
        effect_error * effect_error as variance,
    from judged
    where status = 'estimated'

),

-- the best of many is overstated: estimates are drawn towards the mean of all offers, the more the less they tell. How much
-- effects differ is not known: forty values are weighed by how well they agree with the estimates
spreads as (

    select
        segment,
        outcome,
        sqrt(avg(variance)) as size,
        count(*) as offers,
    from estimated
    group by segment, outcome
    having count(*) >= 2

),

steps as (

    select {{ holdfast.whole_numbers('39') }} as step,

),

grid as (

    select
        spreads.segment,
        spreads.outcome,
        steps.step,
        power(spreads.size * tan(1.5707963267948966e0 * (steps.step + 0.5e0) / 40e0), 2e0) as spread,
    from spreads
    cross join steps

),

centres as (

    select
        grid.segment,
        grid.outcome,
        grid.step,
        grid.spread,
        sum(estimated.effect / cast(estimated.variance + grid.spread as double))
        / cast(sum(1e0 / cast(estimated.variance + grid.spread as double)) as double) as centre,
        1e0 / cast(sum(1e0 / cast(estimated.variance + grid.spread as double)) as double) as centre_variance,
        -0.5e0 * (
            sum(ln(estimated.variance + grid.spread)) + ln(sum(1e0 / cast((estimated.variance + grid.spread) as double)))
            + sum(estimated.effect * estimated.effect / cast((estimated.variance + grid.spread) as double))
            - power(sum(estimated.effect / cast((estimated.variance + grid.spread) as double)), 2e0)
            / cast(sum(1e0 / cast(estimated.variance + grid.spread as double)) as double)
        ) as log_weight,
    from grid
    inner join (
        select *
        from estimated
        order by offer_key asc nulls last, channel_key asc nulls last
    ) as estimated
        on estimated.segment = grid.segment
        and estimated.outcome = grid.outcome
    where estimated.variance > 0
    group by grid.segment, grid.outcome, grid.step, grid.spread

),

centre_weights as (

    select
        *,
        exp(log_weight - max(log_weight) over (partition by segment, outcome)) as weight,
    from centres

),

drawn as (

    select
        estimated.*,
        centre_weights.weight,
        centre_weights.centre
        + (estimated.effect - centre_weights.centre) * centre_weights.spread
        / cast((estimated.variance + centre_weights.spread) as double) as mean,
        estimated.variance * centre_weights.spread / cast((estimated.variance + centre_weights.spread) as double)
        + centre_weights.centre_variance
        * power(estimated.variance / cast((estimated.variance + centre_weights.spread) as double), 2e0) as rest,
    from estimated
    inner join centre_weights
        on centre_weights.segment = estimated.segment
        and centre_weights.outcome = estimated.outcome
    where estimated.variance > 0

),

shrunk as (

    select
        offer_key,
        channel_key,
        segment,
        outcome,
        sum(weight * mean) / cast(sum(weight) as double) as effect_shrunk,
        sqrt(greatest(
            sum(weight * (rest + mean * mean)) / cast(sum(weight) as double) - power(sum(weight * mean) / cast(sum(weight) as double), 2e0), 0e0
        )) as shrunk_error,
    from drawn
    group by offer_key, channel_key, segment, outcome

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
