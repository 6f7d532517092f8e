-- what two simple rules expect of the customers and dates that the models of customer_value are tested on
{% set horizon_days = 90 -%}
{% set band -%}
case when {} <= 30 then 30 when {} <= 60 then 60 when {} <= 90 then 90 when {} <= 180 then 180 else 365 end
{%- endset -%}
with

tested as (

    select
        customer_id,
        as_of,
        order_days,
        age_days,
        {{ band | replace('{}', '(age_days - recency_days)') }} as recency_band,
        mean_spend,
    from {{ ref('holdfast', 'holdfast__btyd_scores') }}
    where role = 'held_out'

),

order_days as (

    select * from {{ ref('holdfast', 'holdfast__btyd_orders') }}

),

outcomes as (

    select
        tested.customer_id,
        tested.as_of,
        cast(coalesce(sum(order_days.order_count), 0) as double) as orders,
        cast(coalesce(sum(order_days.spend), 0) as double) as spend,
    from tested
    left join order_days
        on order_days.customer_id = tested.customer_id
        and order_days.order_date >= cast(tested.as_of as date)
        and order_days.order_date < cast({{ holdfast.plus_days('tested.as_of', horizon_days) }} as date)
    group by tested.customer_id, tested.as_of

),

-- the last horizon that is over at the first of these dates, which is all that a rule may know
learned_from as (

    select
        max(fitted_as_of) as ends_at,
        {{ holdfast.plus_days('max(fitted_as_of)', '-' ~ horizon_days) }} as begins_at,
    from {{ ref('holdfast', 'holdfast__btyd_dates') }}
    where role = 'held_out'

),

last_orders as (

    select
        order_days.customer_id,
        max(learned_from.begins_at) as begins_at,
        cast(max(order_days.order_date) as timestamp) as last_order_at,
    from order_days
    inner join learned_from on order_days.order_date < cast(learned_from.begins_at as date)
    group by order_days.customer_id

),

silences as (

    select
        customer_id,
        {{ holdfast.days_between('last_order_at', 'begins_at') }} as silence_days,
    from last_orders

),

earlier as (

    select
        customer_id,
        silence_days,
        {{ band | replace('{}', 'silence_days') }} as recency_band,
    from silences

),

later as (

    select
        order_days.customer_id,
        sum(order_days.order_count) as order_count,
    from order_days
    inner join learned_from
        on order_days.order_date >= cast(learned_from.begins_at as date)
        and order_days.order_date < cast(learned_from.ends_at as date)
    group by order_days.customer_id

),

bands as (

    select
        earlier.recency_band,
        cast(coalesce(sum(later.order_count), 0) as double) / cast(count(*) as double) as orders,
    from earlier
    left join later on later.customer_id = earlier.customer_id
    where earlier.silence_days <= {{ holdfast.setting('active_within_days') }}
    group by earlier.recency_band

),

expected as (

    select
        tested.*,
        (tested.order_days - 1) / cast(greatest(tested.age_days, 1) as double)
        * {{ horizon_days }} as orders_at_own_rate,
        coalesce(bands.orders, 0e0) as orders_by_recency,
    from tested
    left join bands on bands.recency_band = tested.recency_band

),

forecasts as (

    {% for algorithm, orders in [('naive_rate', 'orders_at_own_rate'), ('recency_mean_spend', 'orders_by_recency')] -%}
    {% for measure in ['orders', 'spend'] -%}
    select
        {{ holdfast.text('value_' ~ measure) }} as task,
        {{ holdfast.text(algorithm) }} as algorithm,
        expected.as_of,
        {{ orders }}{{ ' * mean_spend' if measure == 'spend' }} as predicted,
        outcomes.{{ measure }} as outcome,
    from expected
    inner join outcomes
        on outcomes.customer_id = expected.customer_id
        and outcomes.as_of = expected.as_of
    {{ 'union all' if not loop.last }}
    {% endfor -%}
    {{ 'union all' if not loop.last }}
    {% endfor %}
),

-- each date, and all of them together
with_totals as (

    select
        *,
        as_of as judged_as_of,
    from forecasts

    union all

    select
        *,
        cast(null as timestamp) as judged_as_of,
    from forecasts

),

-- those who are alike share the mean of their ranks; twice that is a whole number
ranked as (

    select
        *,
        2 * rank() over (partition by task, algorithm, judged_as_of order by predicted asc nulls last)
        + count(*) over (partition by task, algorithm, judged_as_of, predicted) - 1 as rank_by_forecast,
        2 * rank() over (partition by task, algorithm, judged_as_of order by outcome asc nulls last)
        + count(*) over (partition by task, algorithm, judged_as_of, outcome) - 1 as rank_by_outcome,
    from with_totals

),

-- sums of decimals are the same in any order of the rows
summed as (

    select
        task,
        algorithm,
        judged_as_of,
        count(*) as row_count,
        cast(sum(cast(abs(predicted - outcome) as decimal(38, 6))) as double) as absolute_error,
        cast(sum(cast(predicted as decimal(38, 6))) as double) as predicted,
        cast(sum(cast(outcome as decimal(38, 6))) as double) as outcome,
        cast(sum(cast(outcome * (rank_by_forecast - 1) as decimal(38, 4))) as double) as by_forecast,
        cast(sum(cast(outcome * (rank_by_outcome - 1) as decimal(38, 4))) as double) as by_outcome,
    from ranked
    group by task, algorithm, judged_as_of

),

measured as (

    {% for metric, value in {
        'mae': 'absolute_error / cast(row_count as double)',
        'mean_label': 'outcome / cast(row_count as double)',
        'mean_prediction': 'predicted / cast(row_count as double)',
        'total_error': 'predicted / cast(nullif(outcome, 0e0) as double) - 1e0',
        'gini': '(by_forecast - outcome * row_count) / cast(nullif(by_outcome - outcome * row_count, 0e0) as double)',
    }.items() -%}
    select
        task,
        algorithm,
        'baseline' as stage,
        'test' as split,
        judged_as_of as as_of,
        cast(null as varchar) as segment,
        {{ holdfast.text(metric) }} as metric,
        {{ value }} as value,
        cast(null as double) as lower,
        cast(null as double) as upper,
        row_count,
    from summed
    {{ 'union all' if not loop.last }}
    {% endfor %}
)

select * from measured
