{#-
  The select of how the next send is best divided among the variants of a group. Nothing is drawn at random: the same rows
  give the same shares.

  `arms`: relation of one row per group and variant with the columns `by`, which tell the groups apart and are never NULL, and
  arm  name of the variant within its group
  is_open  whether the variant may win; one that may not gets no more than the exploration share
  estimate  mean outcome of its sends, or their effect against a control; NULL before the first outcome is known
  sample_size  number of sends that the estimate rests on (double)
  deviation, added_variance  see pooled_variances
  `exploration`: the share of a send that is spread evenly, whatever is known.

  Columns: `by`, arm; variance of the estimate; posterior_mean and posterior_variance; probability_best; expected_loss of choosing
  the variant for good; share.

  1. The posterior of a variant is normal: its estimate, and the mean of all variants with their spread (DerSimonian and Laird
     1986), which in turn leans on a wide default. A variant without outcomes has the prior alone.
  2. The probability that a variant is best is the integral of its density times the distribution functions of the others, by
     Gauss-Legendre quadrature on panels that follow every variant's bell; the largest mean is expected on the same nodes.
  3. The share goes by the square of that probability: the chance of two independent draws that agree, while Thompson sampling
     goes by one draw. With late outcomes one draw explores too long (benchmarks/campaigns.py).
-#}
{% macro allocation_shares(arms, by, exploration) %}
    {#- the default spread is that of means of 20 sends, and counts as much as three more variants would -#}
    {%- set prior_sends = '20e0' -%}
    {%- set prior_variants = '3e0' -%}
    {%- set key = by | join(', ') -%}
    {#- in the order of the variants, for a sum of doubles depends on the order of its terms -#}
    {%- set all_arms = 'over (partition by ' ~ key ~ ' order by arm asc nulls last rows between unbounded preceding and unbounded following)' -%}
    {%- set edges = ['-7e0', '-3.5e0', '-1.5e0', '0e0', '1.5e0', '3.5e0', '7e0'] -%}
    {%- set same_group = [] -%}
    {%- for column in by -%}
        {%- do same_group.append('nodes.' ~ column ~ ' = bells.' ~ column) -%}
    {%- endfor -%}
with

estimated as (

        {{ holdfast.pooled_variances(arms, by) | indent(8) }}

    ),

    weighed as (

        select
            *,
            case when estimate is not null then 1e0 / cast(variance as double) end as weight,
        from estimated

    ),

    weights as (

        select
            *,
            count(estimate) {{ all_arms }} - 1e0 as others,
            sum(weight) {{ all_arms }} as all_weights,
            sum(weight * weight) {{ all_arms }} as all_squares,
            sum(weight * estimate) {{ all_arms }} / cast(sum(weight) {{ all_arms }} as double) as weighted_mean,
        from weighed

    ),

    distances as (

        select
            *,
            sum(weight * power(estimate - weighted_mean, 2)) {{ all_arms }} as heterogeneity,
        from weights

    ),

    spreads as (

        select
            *,
            (
                {{ prior_variants }} * pooled_deviation / {{ prior_sends }}
                + case
                    when others > 0
                        then others * greatest(
                            (heterogeneity - others)
                            / cast(nullif(all_weights - all_squares / cast(all_weights as double), 0) as double),
                            0e0
                        )
                    else 0e0
                end
            ) / cast({{ prior_variants }} + greatest(others, 0e0) as double) as prior_variance,
        from distances

    ),

    priors as (

        select
            *,
            coalesce(
                sum(estimate / cast(variance + prior_variance as double)) {{ all_arms }}
                / cast(sum(case when estimate is not null then 1e0 / cast(variance + prior_variance as double) end) {{ all_arms }} as double),
                0e0
            ) as prior_mean,
        from spreads

    ),

    posteriors as (

        select
            {{ key }},
            arm,
            is_open,
            variance,
            (coalesce(estimate * weight, 0e0) + prior_mean / cast(prior_variance as double))
            / cast(coalesce(weight, 0e0) + 1e0 / cast(prior_variance as double) as double) as posterior_mean,
            1e0 / cast(coalesce(weight, 0e0) + 1e0 / cast(prior_variance as double) as double) as posterior_variance,
        from priors

    ),

    scales as (

        select
            *,
            max(case when is_open then posterior_mean end) over (partition by {{ key }}) as top,
            sqrt(max(case when is_open then posterior_variance end) over (partition by {{ key }})) as scale,
            {{ exploration }} / cast(count(*) over (partition by {{ key }}) as double) as floor,
        from posteriors

    ),

    bells as (

        select
            {{ key }},
            arm,
            (posterior_mean - top) / cast(scale as double) as centre,
            sqrt(posterior_variance) / cast(scale as double) as width,
        from scales
        where is_open

    ),

    edges as (

        select
            {{ key }},
            centre + width * edge as edge,
        from bells
        cross join (select {{ holdfast.list_rows(holdfast.list_of(edges)) }} as edge) as steps

    ),

    panels as (

        select
            {{ key }},
            edge as lower,
            lead(edge) over (partition by {{ key }} order by edge asc nulls last) as upper,
        from edges

    ),

    nodes as (

        select
            {{ key }},
            0.5e0 * (lower + upper) + 0.5e0 * (upper - lower) * node as position,
            0.5e0 * (upper - lower) * weight as weight,
        from panels
        cross join (
            {%- for node, weight in [
                ('0.1834346424956498e0', '0.3626837833783620e0'), ('0.5255324099163290e0', '0.3137066458778873e0'),
                ('0.7966664774136267e0', '0.2223810344533745e0'), ('0.9602898564975363e0', '0.1012285362903763e0'),
            ] %}
            {%- for sign in ['', '-'] %}
            select {{ sign }}{{ node }} as node, {{ weight }} as weight
            {{- ' union all' if not (loop.last and weight.startswith('0.101')) }}
            {%- endfor %}
            {%- endfor %}
        ) as gauss
        -- two variants that are alike share their edges
        where upper - lower > 1e-12

    ),

    standardised as (

        select
            {{ holdfast.all_but(['centre', 'width'], 'bells') }},
            bells.width,
            nodes.position,
            nodes.weight,
            (nodes.position - bells.centre) / cast(bells.width as double) as z,
        from nodes
        inner join bells on {{ same_group | join(' and ') }}

    ),

    -- whole numbers add up to the same in every order
    below as (

        select
            *,
            cast(round(ln(greatest({{ holdfast.normal_cdf('z') }}, 1e-300)) * 1e12) as bigint) as log_below,
        from standardised

    ),

    masses as (

        select
            {{ key }},
            arm,
            position,
            weight * exp(
                -0.5e0 * z * z - 0.9189385332046727e0
                + (sum(log_below) over (partition by {{ key }}, position) - log_below) / 1e12
            ) / cast(width as double) as mass,
        from below

    ),

    integrals as (

        select
            {{ key }},
            arm,
            cast(sum(cast(round(mass * 1e15) as bigint)) as double) / 1e15 as mass,
            cast(sum(cast(round(mass * position * 1e14) as bigint)) as double) / 1e14 as moment,
        from masses
        group by {{ key }}, arm

    ),

    odds as (

        select
            {{ key }},
            arm,
            mass / cast(sum(mass) {{ all_arms }} as double) as probability_best,
            sum(moment) {{ all_arms }} / cast(sum(mass) {{ all_arms }} as double) as expected_top,
        from integrals

    ),

    joined as (

        select
            scales.*,
            odds.probability_best,
            case
                when scales.is_open
                    then scales.scale
                        * greatest(odds.expected_top - (scales.posterior_mean - scales.top) / cast(scales.scale as double), 0e0)
            end as expected_loss,
        from scales
        left join odds
            on {% for column in by %}odds.{{ column }} = scales.{{ column }}
            and {% endfor %}odds.arm = scales.arm

    ),

    agreeing as (

        select
            *,
            power(coalesce(probability_best, 0e0), 2)
            / cast(nullif(sum(power(coalesce(probability_best, 0e0), 2)) {{ all_arms }}, 0) as double) as agreement,
        from joined

    ),

    excesses as (

        select
            *,
            greatest(coalesce(agreement, 0e0) - floor, 0e0) as excess,
        from agreeing

    )

    select
        {{ key }},
        arm,
        variance,
        posterior_mean,
        posterior_variance,
        probability_best,
        expected_loss,
        -- without anything above the floor, all variants are alike
        case
            when sum(excess) {{ all_arms }} > 0
                then floor + (1e0 - {{ exploration }}) * excess / cast(sum(excess) {{ all_arms }} as double)
            else 1e0 / cast(count(*) {{ all_arms }} as double)
        end as share,
    from excesses
{%- endmacro %}
