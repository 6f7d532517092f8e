-- how often the next order fell into its interval, and how far from the expected day, on dates whose horizons are over
{% set horizon_days = holdfast.setting('churn_horizon_days') -%}
{% set within_days = 2 * horizon_days -%}
{#- a month apart; enough customers for a coverage to within half a percent, however large the shop -#}
{% set dates = 6 -%}
{% set most_customers = 20000 -%}
{#- no interval of a metric goes beyond its limit -#}
{% set limits = {'coverage_80': '1e0', 'mean_absolute_error_days': within_days ~ 'e0'} -%}
with

moments as (

    select
        cast(cast({{ holdfast.plus_days(
            'cast(cast(' ~ holdfast.known_until() ~ ' as date) as timestamp)', '-cast(' ~ within_days ~ ' + 30 * step as integer)'
        ) }} as date) as timestamp) as as_of,
    from (select {{ holdfast.whole_numbers(dates - 1) }} as step) as steps

),

sampled as (

    select customer_id
    from {{ ref('holdfast', 'holdfast__customer_history') }}
    where
        {{ holdfast.stable_number('customer_id') }} % (
            select greatest(1, cast(ceil(count(*) / {{ most_customers }}e0) as bigint))
            from {{ ref('holdfast', 'holdfast__customer_history') }}
        ) = 0

),

sampled_orders as (

    select
        orders.customer_id,
        orders.ordered_at,
        orders.loaded_at,
        orders.amount,
    from {{ ref('holdfast', 'stg_holdfast__orders') }} as orders
    inner join sampled on sampled.customer_id = orders.customer_id
    where orders.amount > 0

),

dated as (

    {{ holdfast.next_order_dates('moments', 'sampled_orders') }}

),

-- the next day with a purchase, whenever it was loaded
came as (

    select
        dated.as_of,
        dated.customer_id,
        {{ holdfast.days_between('dated.as_of', "date_trunc('day', min(orders.ordered_at))") }} as came_in_days,
    from dated
    inner join sampled_orders as orders
        on orders.customer_id = dated.customer_id
        and orders.ordered_at >= dated.as_of
        and orders.ordered_at < dated.as_of + interval {{ within_days }} day
    group by dated.as_of, dated.customer_id

),

days as (

    select
        moments.as_of,
        orders.customer_id,
        cast(orders.ordered_at as date) as day,
    from sampled_orders as orders
    inner join moments
        on moments.as_of > orders.ordered_at
        and moments.as_of > coalesce(orders.loaded_at, orders.ordered_at)
    group by moments.as_of, orders.customer_id, cast(orders.ordered_at as date)

),

gaps as (

    select
        as_of,
        customer_id,
        {{ holdfast.days_between(
            'lag(day) over (partition by as_of, customer_id order by day asc nulls last)', 'day'
        ) }} as gap_days,
    from days

),

-- the customer's own gaps alone; with fewer than three, everyone's
own_gaps as (

    select
        as_of,
        customer_id,
        count(gap_days) as gap_count,
        quantile_disc(gap_days, 0.1) as short_days,
        quantile_disc(gap_days, 0.5) as middle_days,
        quantile_disc(gap_days, 0.9) as long_days,
    from gaps
    group by as_of, customer_id

),

all_gaps as (

    select
        as_of,
        quantile_disc(gap_days, 0.1) as short_days,
        quantile_disc(gap_days, 0.5) as middle_days,
        quantile_disc(gap_days, 0.9) as long_days,
    from gaps
    group by as_of

),

-- judged are those who were given dates, and ordered within two horizons
judged as (

    select
        dated.*,
        came.came_in_days,
        case lifecycle.state when 'slipping' then 'overdue' else lifecycle.state end as state,
        {%- for name in ['short', 'middle', 'long'] %}
        greatest(
            case when own_gaps.gap_count >= 3 then own_gaps.{{ name }}_days else all_gaps.{{ name }}_days end
            - dated.days_since_order, 0
        ) as {{ name }}_in_days,
        {%- endfor %}
        greatest(cast(round(dated.expected_gap_days) as integer) - dated.days_since_order, 0) as usual_in_days,
    from dated
    inner join came
        on came.as_of = dated.as_of
        and came.customer_id = dated.customer_id
    inner join own_gaps
        on own_gaps.as_of = dated.as_of
        and own_gaps.customer_id = dated.customer_id
    inner join all_gaps on all_gaps.as_of = dated.as_of
    inner join {{ ref('holdfast', 'holdfast__customer_lifecycle') }} as lifecycle
        on lifecycle.customer_id = dated.customer_id
        and lifecycle.churn_definition = 'non_contractual'
        and lifecycle.state in ('new', 'on_rhythm', 'slipping')
        and {{ holdfast.state_in_force('lifecycle', 'dated.as_of') }}
    where dated.expected_in_days is not null

),

predicted as (

    select
        'kaplan_meier' as algorithm,
        'in_use' as stage,
        as_of,
        customer_id,
        state,
        came_in_days,
        earliest_in_days,
        expected_in_days,
        latest_in_days,
    from judged

    union all

    select
        'own_gaps' as algorithm,
        'baseline' as stage,
        as_of,
        customer_id,
        state,
        came_in_days,
        short_in_days as earliest_in_days,
        middle_in_days as expected_in_days,
        long_in_days as latest_in_days,
    from judged

    union all

    select
        'usual_gap' as algorithm,
        'baseline' as stage,
        as_of,
        customer_id,
        state,
        came_in_days,
        null as earliest_in_days,
        usual_in_days as expected_in_days,
        null as latest_in_days,
    from judged

),

measured as (

    select
        *,
        case
            when latest_in_days is null then null
            when came_in_days between earliest_in_days and latest_in_days then 1
            else 0
        end as coverage_80,
        abs(came_in_days - expected_in_days) as mean_absolute_error_days,
        latest_in_days - earliest_in_days as width_days,
    from predicted

),

segmented as (

    select
        measured.*,
        cast(null as varchar) as segment,
    from measured

    union all

    select
        measured.*,
        'state: ' || state as segment,
    from measured

    -- who looks after one horizon sees only the early orders
    union all

    select
        measured.*,
        {{ holdfast.text('ordered within ' ~ horizon_days ~ ' days') }} as segment,
    from measured
    where came_in_days < {{ horizon_days }}

),

by_date as (

    select
        *,
        as_of as of_date,
    from segmented
    where segment is null

    union all

    select
        *,
        cast(null as timestamp) as of_date,
    from segmented

),

-- a customer may be judged on several dates: the interval of a mean takes customers as independent, not rows
by_customer as (

    select
        algorithm,
        stage,
        of_date,
        segment,
        customer_id,
        count(*) as row_count,
        sum(coverage_80) as coverage_80,
        sum(mean_absolute_error_days) as mean_absolute_error_days,
    from by_date
    group by algorithm, stage, of_date, segment, customer_id

),

summed as (

    select
        algorithm,
        stage,
        of_date,
        segment,
        sum(row_count) as row_count,
        sum(row_count * row_count) as squared_count,
        {%- for metric in limits %}
        sum({{ metric }}) / cast(sum(row_count) as double) as {{ metric }},
        sum({{ metric }} * {{ metric }}) as squared_{{ metric }},
        sum({{ metric }} * row_count) as crossed_{{ metric }},
        {%- endfor %}
    from by_customer
    group by algorithm, stage, of_date, segment

),

widths as (

    select
        algorithm,
        stage,
        of_date,
        segment,
        median(width_days) as median_width_days,
        count(width_days) as row_count,
    from by_date
    group by algorithm, stage, of_date, segment

),

spreads as (

    select
        *,
        {%- for metric in limits %}
        1.96e0 * sqrt(greatest(
            squared_{{ metric }}
            - 2 * {{ metric }} * crossed_{{ metric }}
            + {{ metric }} * {{ metric }} * squared_count,
            0
        )) / cast(row_count as double) as spread_{{ metric }},
        {%- endfor %}
    from summed

),

metrics as (

    {%- for metric, limit in limits.items() %}

    select
        algorithm,
        stage,
        of_date,
        segment,
        {{ holdfast.text(metric) }} as metric,
        {{ metric }} as value,
        greatest({{ metric }} - spread_{{ metric }}, 0e0) as lower,
        least({{ metric }} + spread_{{ metric }}, {{ limit }}) as upper,
        row_count,
    from spreads
    where {{ metric }} is not null

    union all
    {%- endfor %}

    select
        algorithm,
        stage,
        of_date,
        segment,
        'median_width_days' as metric,
        median_width_days as value,
        cast(null as double) as lower,
        cast(null as double) as upper,
        row_count,
    from widths
    where median_width_days is not null

),

final as (

    select
        cast('next_purchase' as varchar) as task,
        cast(algorithm as varchar) as algorithm,
        cast(stage as varchar) as stage,
        cast('test' as varchar) as split,
        of_date as as_of,
        cast(segment as varchar) as segment,
        cast(metric as varchar) as metric,
        cast(value as double) as value,
        cast(lower as double) as lower,
        cast(upper as double) as upper,
        cast(row_count as bigint) as row_count,
    from metrics

)

select * from final
