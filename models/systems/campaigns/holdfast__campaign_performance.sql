-- what each campaign reached, cost and changed, against the customers that it held out at random
{{ config(enabled=holdfast.has_system('campaigns')) }}
{% set as_of = 'cast(' ~ holdfast.as_of_date() ~ ' as timestamp)' -%}
{% set ended_days = 3 * holdfast.setting('response_days') -%}
{% set money = 'decimal(38, 4)' -%}
{% set unlikely = '0.001e0' -%}
with

-- a send without a cost of its own costs holdfast_contact_cost, and what is held out costs nothing
sends as (

    select
        outcomes.*,
        {{ holdfast.row_hash(['outcomes.offer_id', 'outcomes.variant', 'outcomes.channel']) }} as variant_key,
        outcomes.is_mature and outcomes.excluded_because is null as is_counted,
        case
            when not outcomes.is_control
                then cast(coalesce(outcomes.cost, {{ holdfast.setting('contact_cost') }}) as {{ money }})
        end as send_cost,
        case
            when not outcomes.is_control and outcomes.is_retained then cast(coalesce(offers.cost, 0) as {{ money }})
        end as offer_cost,
        outcomes.offer_id is not null and offers.cost is null as has_unknown_offer_cost,
    from {{ ref('holdfast', 'holdfast__send_outcomes') }} as outcomes
    left join {{ ref('holdfast', 'stg_holdfast__offers') }} as offers on offers.offer_id = outcomes.offer_id

),

counts as (

    select
        campaign_id,
        min(sent_at) as first_sent_at,
        max(sent_at) as last_sent_at,
        max(sent_at) + interval {{ ended_days }} day <= {{ as_of }} as is_ended,
        count(distinct case when not is_control then variant_key end) as variants,
        count(*) filter (where not is_control) as sends,
        count(*) filter (where is_control) as control_sends,
        count(*) filter (where not is_control and is_counted) as mature_sends,
        count(*) filter (where is_control and is_counted) as mature_control_sends,
        count(*) filter (where not is_mature and excluded_because is null) as immature_sends,
        count(*) filter (where excluded_because is not null) as excluded_sends,
        count(distinct case when excluded_because = 'in_both_arms' then customer_id end) as customers_in_both_arms,
        {%- for done in ['delivered', 'opened', 'clicked'] %}
        case
            when count(is_{{ done }}) > 0 then count(*) filter (where not is_control and is_{{ done }})
        end as {{ done }},
        {%- endfor %}
        count(*) filter (where not is_control and is_counted and is_retained) as responses,
        count(*) filter (where is_control and is_counted and is_retained) as control_responses,
        count(*) filter (where not is_control and overlapping_campaigns > 0) as overlapping_sends,
        count(overlapping_campaigns) filter (where not is_control) as usable_sends,
        cast(sum(overlapping_campaigns) filter (where not is_control) as double) as overlap_count,
        sum(send_cost) as send_cost,
        coalesce(sum(offer_cost), 0) as offer_cost,
        coalesce(sum(send_cost + coalesce(offer_cost, 0)) filter (where is_counted), 0) as mature_cost,
        sum(discount) filter (where not is_control and is_counted) as discount,
        count(*) filter (where not is_control and cost is null) as sends_without_cost,
        coalesce(bool_or(has_unknown_offer_cost) filter (where not is_control), false) as has_unknown_offer_cost,
    from sends
    group by campaign_id

),

comparable as (

    {{ holdfast.comparable_sends() | indent(4) }}

),

-- with several variants, a propensity is that of one of them; what counts here is whether anything was sent
propensities as (

    select
        comparable.campaign_id,
        max(counts.variants) as variants,
        min(comparable.propensity) filter (where comparable.is_control) as least_control,
        max(comparable.propensity) filter (where comparable.is_control) as most_control,
    from comparable
    inner join counts on counts.campaign_id = comparable.campaign_id
    group by comparable.campaign_id

),

usable as (

    select
        {{ holdfast.all_but(['propensity', 'segment'], 'comparable') }},
        comparable.campaign_id as campaign_key,
        'all' as segment,
        case
            when comparable.propensity is null or comparable.is_control or propensities.variants = 1
                then comparable.propensity
            else nullif(1e0 - propensities.most_control, 0e0)
        end as propensity,
        propensities.variants > 1 and propensities.most_control - propensities.least_control > 1e-6 as is_mixed,
    from comparable
    inner join propensities on propensities.campaign_id = comparable.campaign_id

),

mixed as (

    select
        campaign_id,
        bool_or(is_mixed) as is_mixed,
    from usable
    group by campaign_id

),

effects as (

    {{ holdfast.measured_effects('usable', 'usable', ['campaign_key', 'segment']) | indent(4) }}

),

bounded as (

    select
        *,
        {{ holdfast.student_quantile('effect_freedom') }} * effect_error as reach,
    from effects

),

wide as (

    select
        campaign_key as campaign_id,
        -- too few who did not order keep only the rate from being estimated
        max(case when outcome = 'revenue' then status end) as status,
        {%- for outcome in ['retained', 'orders', 'revenue', 'margin'] %}
        max(case when outcome = {{ holdfast.text(outcome) }} and status = 'estimated' then effect end)
            as {{ outcome }},
        max(case when outcome = {{ holdfast.text(outcome) }} and status = 'estimated' then reach end)
            as {{ outcome }}_reach,
        {%- endfor %}
        max(srm_p) as srm_p,
        min(balance_p) as balance_p,
    from bounded
    group by campaign_key

),

judged as (

    select
        counts.*,
        case
            when counts.sends = 0 then 'no_sends'
            when wide.status is null then 'nothing_usable'
            when wide.status = 'estimated' and mixed.is_mixed then 'mixed_propensities'
            else wide.status
        end as status,
        {%- for outcome in ['retained', 'orders', 'revenue', 'margin'] %}
        case when not mixed.is_mixed then counts.mature_sends * wide.{{ outcome }} end as {{ outcome }},
        case when not mixed.is_mixed then counts.mature_sends * wide.{{ outcome }}_reach end as {{ outcome }}_reach,
        {%- endfor %}
        cast(counts.mature_cost as double) as counted_cost,
        wide.srm_p,
        wide.balance_p,
    from counts
    left join wide on wide.campaign_id = counts.campaign_id
    left join mixed on mixed.campaign_id = counts.campaign_id

),

earned as (

    select
        *,
        margin - counted_cost as profit,
        margin - margin_reach - counted_cost as profit_lower,
        margin + margin_reach - counted_cost as profit_upper,
    from judged

),

final as (

    select
        campaign_id,
        {{ holdfast.as_of_date() }} as as_of_date,
        cast(status as varchar) as status,
        first_sent_at,
        last_sent_at,
        is_ended,
        variants,
        sends,
        control_sends,
        mature_sends,
        mature_control_sends,
        immature_sends,
        excluded_sends,
        customers_in_both_arms,
        delivered,
        opened,
        clicked,
        responses,
        cast(responses as double) / cast(nullif(mature_sends, 0) as double) as response_rate,
        cast(control_responses as double) / cast(nullif(mature_control_sends, 0) as double) as control_response_rate,
        {%- for outcome, name in [
            ('retained', 'customers'), ('orders', 'orders'), ('revenue', 'revenue'), ('margin', 'margin')
        ] %}
        {{ outcome }} as incremental_{{ name }},
        {{ outcome }} - {{ outcome }}_reach as incremental_{{ name }}_lower,
        {{ outcome }} + {{ outcome }}_reach as incremental_{{ name }}_upper,
        {%- endfor %}
        cast(coalesce(send_cost, 0) + offer_cost as {{ money }}) as cost,
        cast(mature_cost as {{ money }}) as mature_cost,
        cast(discount as {{ money }}) as discount,
        sends_without_cost,
        has_unknown_offer_cost,
        profit,
        profit_lower,
        profit_upper,
        {%- for bound in ['', '_lower', '_upper'] %}
        profit{{ bound }} / cast(nullif(counted_cost, 0e0) as double) as return_on_cost{{ bound }},
        {%- endfor %}
        srm_p < {{ unlikely }} as has_sample_ratio_mismatch,
        srm_p,
        balance_p,
        overlapping_sends,
        overlap_count / cast(nullif(usable_sends, 0) as double) as mean_overlapping_campaigns,
        cast(case status
            when 'no_sends' then 'Nobody was sent anything'
            when 'nothing_usable' then 'No send can be used; excluded_because in send_outcomes says why'
            when 'immature' then 'No response window is over yet'
            when 'no_control' then 'Nobody was held out, so what the campaign changed cannot be told'
            when 'small_control' then 'Too few customers, or too few who ordered, to tell what the campaign changed'
            when 'not_randomised'
                then case
                    when srm_p < {{ unlikely }}
                        then 'The control group has not the size that was drawn, so customers may differ: no claim'
                    else 'The control group was not drawn at random: no claim'
                end
            when 'mixed_propensities'
                then 'The propensities of its variants differ between customers; offer_effects tells each offer apart'
            else case
                when profit_lower > 0e0
                    then {{ holdfast.told(
                        'Paid: {profit:money} after costs of {cost:money}',
                        {'profit': 'profit', 'cost': 'counted_cost'}
                    ) }}
                when profit_upper < 0e0
                    then {{ holdfast.told(
                        'Lost {loss:money}, costs of {cost:money} included',
                        {'loss': '-1e0 * profit', 'cost': 'counted_cost'}
                    ) }}
                when profit is not null
                    then {{ holdfast.told(
                        'Not shown whether it paid: between a loss of {loss:money} and a gain of {gain:money}',
                        {'loss': '-1e0 * profit_lower', 'gain': 'profit_upper'}
                    ) }}
                when revenue - revenue_reach > 0e0
                    then {{ holdfast.told(
                        'Brought {revenue:money} of revenue; no product has a cost, so its profit is not known',
                        {'revenue': 'revenue'}
                    ) }}
                when revenue + revenue_reach < 0e0
                    then {{ holdfast.told(
                        'Cost {revenue:money} of revenue',
                        {'revenue': '-1e0 * revenue'}
                    ) }}
                else 'No change of revenue is shown'
            end
        end as varchar) as finding,
    from earned

)

select * from final
