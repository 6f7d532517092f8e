-- whether declared groups of customers are contacted, given discounts and charged alike
{{ config(enabled=holdfast.has_system('decisions')) }}

{% set as_of = 'cast(' ~ holdfast.as_of_date() ~ ' as timestamp)' -%}
{% set columns = holdfast.customer_segment_columns() if holdfast.setting('segments') else [] -%}
{% set times = holdfast.event_times()['stg_holdfast__orders'] -%}
{#- a price paid is what is left of the list price after the discounts of so many days -#}
{% set price_days = 365 -%}
with

newest as (

    select
        system,
        max(as_of) as as_of,
    from {{ ref('holdfast', 'holdfast__decisions') }}
    group by system

),

chosen as (

    select
        decisions.system,
        decisions.customer_id,
        max(case
            when decisions.action != 'leave_alone' and decisions.status != 'vetoed' then 1e0
            else 0e0
        end) as contact,
        max(case
            when decisions.action != 'leave_alone' and decisions.status != 'vetoed' and offers.discount > 0 then 1e0
            else 0e0
        end) as discount,
    from {{ ref('holdfast', 'holdfast__decisions') }} as decisions
    inner join newest
        on newest.system = decisions.system
        and newest.as_of = decisions.as_of
    left join {{ ref('holdfast', 'stg_holdfast__offers') }} as offers on offers.offer_id = decisions.offer_id
    group by decisions.system, decisions.customer_id

),

paid as (

    select
        customer_id,
        sum(amount) as amount,
        sum(coalesce(discount_amount, 0)) as discount,
    from {{ holdfast.as_known_at(ref('holdfast', 'stg_holdfast__orders'), times, as_of) }} as orders
    where amount > 0 and ordered_at >= {{ as_of }} - interval {{ price_days }} day
    group by customer_id

),

outcomes as (

    select
        system,
        customer_id,
        'contact' as outcome,
        contact as value,
    from chosen

    union all

    select
        system,
        customer_id,
        'discount' as outcome,
        discount as value,
    from chosen

    union all

    select
        'orders' as system,
        customer_id,
        'price' as outcome,
        round(cast(amount as double) / cast(nullif(amount + greatest(discount, 0), 0) as double), 9) as value,
    from paid

),

members as (

    {%- if columns %}
    {%- for column in columns %}
    select
        outcomes.system,
        outcomes.outcome,
        {{ holdfast.text(column.name) }} as segment_by,
        coalesce(attributes.segment, 'unknown') as segment,
        outcomes.value,
    from outcomes
    left join (
        select
            customer_id,
            {{ column.segment }} as segment,
        from {{ holdfast.input_relation('customers') }}
    ) as attributes on attributes.customer_id = outcomes.customer_id
    {%- if not loop.last %}

    union all
    {% endif %}
    {%- endfor %}
    {%- else %}
    select
        system,
        outcome,
        cast(null as varchar) as segment_by,
        cast(null as varchar) as segment,
        value,
    from outcomes
    where false
    {%- endif %}

),

counted as (

    select
        system,
        outcome,
        segment_by,
        segment,
        count(*) as customers,
        sum(cast(value as decimal(38, 9))) as total,
        sum(cast(value * value as decimal(38, 9))) as squares,
    from members
    group by system, outcome, segment_by, segment

),

merged as (

    select
        *,
        case
            when {{ holdfast.is_small_group('customers', ['segment'], ['system', 'outcome', 'segment_by']) }}
                then 'other'
            else segment
        end as group_name,
    from counted

),

grouped as (

    select
        system,
        outcome,
        segment_by,
        group_name as segment,
        sum(customers) as customers,
        sum(total) as total,
        sum(squares) as squares,
    from merged
    group by system, outcome, segment_by, group_name

),

compared as (

    select
        *,
        sum(customers) over of_all - customers as rest_customers,
        sum(total) over of_all - total as rest_total,
        sum(squares) over of_all - squares as rest_squares,
    from grouped
    window of_all as (partition by system, outcome, segment_by)

),

means as (

    select
        *,
        cast(total as double) / cast(nullif(customers, 0) as double) as rate,
        cast(rest_total as double) / cast(nullif(rest_customers, 0) as double) as rest_rate,
    from compared

),

errors as (

    select
        *,
        greatest(0e0, cast(squares as double) / cast(nullif(customers, 0) as double) - rate * rate)
        / cast(nullif(customers, 0) as double) as variance,
        greatest(0e0, cast(rest_squares as double) / cast(nullif(rest_customers, 0) as double) - rest_rate * rest_rate)
        / cast(nullif(rest_customers, 0) as double) as rest_variance,
        3.8416e0 / cast(nullif(customers, 0) as double) as caution,
        3.8416e0 / cast(nullif(rest_customers, 0) as double) as rest_caution,
    from means

),

-- Wilson's interval for a share, which is drawn to one half if there are few customers; the price is a mean
weights as (

    select
        *,
        case when outcome = 'price' then 0e0 else caution end as weight,
        case when outcome = 'price' then 0e0 else rest_caution end as rest_weight,
    from errors
    -- the few customers of all groups together are not shown either
    where customers >= {{ holdfast.setting('least_group') }}

),

middles as (

    select
        *,
        (rate + weight / 2e0) / cast(1e0 + weight as double) as middle,
        1.96e0 * sqrt(variance + weight * weight / 15.3664e0) / cast(1e0 + weight as double) as half_width,
        (rest_rate + rest_weight / 2e0) / cast(1e0 + rest_weight as double) as rest_middle,
        1.96e0 * sqrt(rest_variance + rest_weight * rest_weight / 15.3664e0)
        / cast(1e0 + rest_weight as double) as rest_half_width,
    from weights

),

bounds as (

    select
        *,
        greatest(0e0, middle - half_width) as rate_lower,
        least(1e0, middle + half_width) as rate_upper,
        greatest(0e0, rest_middle - rest_half_width) as rest_lower,
        least(1e0, rest_middle + rest_half_width) as rest_upper,
    from middles

),

-- the interval of a difference from those of its parts (Newcombe 1998), that of a ratio in logarithms
spreads as (

    select
        *,
        rate - rest_rate - sqrt(power(rate - rate_lower, 2) + power(rest_upper - rest_rate, 2)) as difference_lower,
        rate - rest_rate + sqrt(power(rate_upper - rate, 2) + power(rest_rate - rest_lower, 2)) as difference_upper,
        case
            when rate > 0e0 and rest_rate > 0e0 then sqrt(
                variance / cast(rate * rate as double) + rest_variance / cast(rest_rate * rest_rate as double)
            )
        end as ratio_error,
    from bounds

),

final as (

    select
        {{ holdfast.as_of_date() }} as as_of_date,
        cast(system as varchar) as system,
        cast(outcome as varchar) as outcome,
        segment_by,
        segment,
        case
            when rest_rate is null then 'nothing_to_compare'
            when difference_lower > 0e0 or difference_upper < 0e0 then 'different'
            else 'no_difference_shown'
        end as status,
        cast(customers as bigint) as customers,
        round(rate, 6) as rate,
        round(rate_lower, 6) as rate_lower,
        round(rate_upper, 6) as rate_upper,
        round(rest_rate, 6) as rest_rate,
        round(rate - rest_rate, 6) as difference,
        round(difference_lower, 6) as difference_lower,
        round(difference_upper, 6) as difference_upper,
        case when ratio_error is not null then round(rate / cast(rest_rate as double), 6) end as ratio,
        case
            when ratio_error is not null then round(rate / cast(rest_rate as double) * exp(-1.96e0 * ratio_error), 6)
        end as ratio_lower,
        case
            when ratio_error is not null then round(rate / cast(rest_rate as double) * exp(1.96e0 * ratio_error), 6)
        end as ratio_upper,
    from spreads

)

select * from final
