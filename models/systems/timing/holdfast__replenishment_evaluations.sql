{{ config(enabled=holdfast.has_system('timing')) }}
-- how far expected purchases were off on later time, and whether reminders came before purchases
{% set horizon_days = 90 -%}
{% set window_days = 14 -%}
{% set lead_days = holdfast.setting('replenishment_lead_days') -%}
{% set before = 'cast(' ~ holdfast.as_of_date() ~ ' as timestamp) - interval ' -%}
{% set moments = [before ~ '90 day', before ~ '120 day', before ~ '150 day', before ~ '180 day'] -%}
{% set predictions = {
    'own_cycle': ['in_use', 'cycle_days'],
    'product_mean': ['baseline', 'mean_gap_days'],
    'last_gap': ['baseline', 'last_gap_days'],
} -%}
with

cycles as (

    {{ holdfast.replenishment_cycles(moments) | indent(4) }}

),

known as (

    select {{ holdfast.known_until() }} as known_until

),

-- who had bought a product twice, at dates whose 90 days are over
asked as (

    select cycles.*
    from cycles
    inner join known on cycles.as_of + interval {{ horizon_days }} day <= known.known_until
    where
        cycles.purchase_count >= 2
        and cycles.cycle_days is not null

),

bought as (

    select
        asked.as_of,
        asked.customer_id,
        asked.product_id,
        min(orders.ordered_at) as next_bought_at,
    from asked
    inner join {{ ref('holdfast', 'stg_holdfast__orders') }} as orders
        on orders.customer_id = asked.customer_id
        and orders.ordered_at >= asked.as_of
        and orders.ordered_at < asked.as_of + interval {{ horizon_days }} day
        and orders.amount > 0
    inner join {{ ref('holdfast', 'stg_holdfast__order_items') }} as items
        on items.order_id = orders.order_id
        and items.product_id = asked.product_id
        and items.quantity > 0
    group by asked.as_of, asked.customer_id, asked.product_id

),

followed as (

    select
        asked.*,
        bought.next_bought_at,
        {{ holdfast.days_between('cast(asked.as_of as date)', 'cast(bought.next_bought_at as date)') }} as next_days,
        {{ holdfast.days_between('cast(asked.last_bought_at as date)', 'cast(asked.as_of as date)') }} as silence_days,
        case when asked.purchase_count >= 4 then 'purchases: 4 or more' else 'purchases: 2 or 3' end as segment,
    from asked
    left join bought
        on bought.as_of = asked.as_of
        and bought.customer_id = asked.customer_id
        and bought.product_id = asked.product_id

),

-- nobody is expected to have bought in the past: who is overdue is expected today
errors as (

    {% for algorithm, (stage, days) in predictions.items() -%}
    select
        {{ holdfast.text(algorithm) }} as algorithm,
        {{ holdfast.text(stage) }} as stage,
        'mae_days' as metric,
        as_of,
        customer_id,
        segment,
        cast(abs(next_days - greatest(0, round({{ days }}) - silence_days)) as decimal(18, 4)) as value,
    from followed
    where next_days is not null

    union all

    select
        {{ holdfast.text(algorithm) }} as algorithm,
        {{ holdfast.text(stage) }} as stage,
        'bought_within_{{ window_days }}d' as metric,
        as_of,
        customer_id,
        case
            when silence_days > 2.5e0 * {{ days }} then 'reminder: too late'
            when round({{ days }}) < silence_days then 'reminder: overdue'
            when round({{ days }}) - silence_days <= {{ lead_days }} then 'reminder: due'
            else 'reminder: not yet'
        end as segment,
        cast(
            case when next_bought_at < as_of + interval {{ window_days }} day then 1 else 0 end as decimal(18, 4)
        ) as value,
    from followed
    {%- if not loop.last %}

    union all

    {% endif -%}
    {% endfor %}

),

-- all dates together and each; all customers together and each segment
grouped as (

    {% for as_of, segment in [('null', 'null'), ('null', 'segment'), ('as_of', 'null'), ('as_of', 'segment')] -%}
    select
        algorithm,
        stage,
        metric,
        cast({{ as_of }} as timestamp) as as_of,
        cast({{ segment }} as varchar) as segment,
        customer_id,
        value,
    from errors
    {%- if not loop.last %}

    union all

    {% endif -%}
    {% endfor %}

),

means as (

    select
        algorithm,
        stage,
        metric,
        as_of,
        segment,
        cast(sum(value) as double) / cast(count(*) as double) as value,
        count(*) as row_count,
    from grouped
    group by algorithm, stage, metric, as_of, segment

),

-- a customer's products and dates are no independent rows: the interval counts customers
customers as (

    select
        grouped.algorithm,
        grouped.metric,
        grouped.as_of,
        grouped.segment,
        grouped.customer_id,
        cast(sum(grouped.value) as double) - count(*) * max(means.value) as deviation,
    from grouped
    inner join means
        on means.algorithm = grouped.algorithm
        and means.metric = grouped.metric
        and means.as_of is not distinct from grouped.as_of
        and means.segment is not distinct from grouped.segment
    group by grouped.algorithm, grouped.metric, grouped.as_of, grouped.segment, grouped.customer_id

),

spreads as (

    select
        algorithm,
        metric,
        as_of,
        segment,
        sqrt(cast(sum(cast(deviation * deviation as decimal(28, 6))) as double)) as deviation,
    from customers
    group by algorithm, metric, as_of, segment

),

final as (

    select
        'replenishment_due' as task,
        cast(means.algorithm as varchar) as algorithm,
        cast(means.stage as varchar) as stage,
        'test' as split,
        means.as_of,
        means.segment,
        cast(means.metric as varchar) as metric,
        means.value,
        greatest(0e0, means.value - 1.96e0 * spreads.deviation / cast(means.row_count as double)) as lower,
        means.value + 1.96e0 * spreads.deviation / cast(means.row_count as double) as upper,
        means.row_count,
    from means
    inner join spreads
        on spreads.algorithm = means.algorithm
        and spreads.metric = means.metric
        and spreads.as_of is not distinct from means.as_of
        and spreads.segment is not distinct from means.segment

)

select * from final
