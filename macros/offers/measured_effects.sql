{#-
  The select of what sends change, by cell and outcome: those who were sent something against those held out at random, each
  within their campaign. docs/offers.md explains the method, and models/systems/offers/holdfast__offer_effects.yml the columns.

  `sends`: relation as of comparable_sends, one row per send. `paired`: the same, with a row for each cell that a send counts in;
  a control may count in several. `cell`: the columns that tell cells apart, never NULL, the last of them segment.

  Columns: `cell`, outcome, outcome_number, status, campaigns, counts and means of both arms, immature; difference and effect, each
  with _error and _freedom; srm_p, balance_p, is_certain.
-#}
{% macro measured_effects(sends, paired, cell) %}
    {%- set outcomes = ['retained', 'orders', 'revenue', 'margin'] -%}
    {%- set exact = 'decimal(38, 9)' -%}
    {%- set least_customers = 30 -%}
    {%- set least_buyers = 5 -%}
    {%- set unlikely = '0.001e0' -%}
with

-- propensities count where all sends of a campaign have one
campaigns as (

    select
        campaign_id,
        count(*) = count(propensity) as has_propensities,
        cast(count(*) as double) as sends,
        cast(count(*) filter (where is_control) as double) as controls,
    from {{ sends }}
    group by campaign_id

),

-- a customer counts by the inverse of the probability of what they were given; what was certain was not drawn
split as (

    select
        paired.*,
        case when campaigns.has_propensities then 1e0 / cast(paired.propensity as double) else 1e0 end as weight,
        campaigns.has_propensities and paired.propensity >= 1 as is_certain,
    from {{ paired }} as paired
    inner join campaigns on campaigns.campaign_id = paired.campaign_id

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
        sends.campaign_id,
        sends.segment,
        cast(count(*) as double) as sends,
        cast(count(*) filter (where sends.is_control) as double) as controls,
    from {{ sends }} as sends
    group by sends.campaign_id, sends.segment

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

measured as (

    {% for outcome in outcomes -%}
    select
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
    {%- for joined in ['compared', 'variances', 'sample_ratios'] %}
    left join {{ joined }}
        on {{ joined }}.{{ cell[0] }} = cells.{{ cell[0] }}
        {%- for key in cell[1:] %}
        and {{ joined }}.{{ key }} = cells.{{ key }}
        {%- endfor %}
    {%- endfor %}
    {%- if outcome == 'margin' %}
    where exists (select 1 from {{ sends }} where prior_margin is not null)
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

)

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
{%- endmacro %}
