-- what the buy-till-you-die model expects of every customer, at the as-of date and at the dates that it is tested on
-- noqa: disable=LT02, LT05
{% set horizons = [90, 365] -%}
{% set stages = range(6) -%}
with

dates as (

    select * from {{ ref('holdfast', 'holdfast__btyd_dates') }}

),

order_days as (

    select
        *,
        cast(order_date as timestamp) as ordered_at,
    from {{ ref('holdfast', 'holdfast__btyd_orders') }}

),

customers as (

    select distinct customer_id from order_days

),

-- tested is what a task would be tested on: the customers of the spine
asked as (

    select
        dates.as_of,
        dates.role,
        spine.customer_id,
    from dates
    inner join {{ ref('holdfast', 'holdfast__customer_spine') }} as spine on spine.as_of = dates.as_of
    where dates.role = 'held_out'

    union all

    select
        dates.as_of,
        dates.role,
        customers.customer_id,
    from dates
    cross join customers
    where dates.role = 'scoring'

),

-- a day counts when it is over, and all of its orders are known
histories as (

    select
        asked.as_of,
        asked.role,
        asked.customer_id,
        count(*) as order_days,
        count(*) - 1 as repeats,
        {{ holdfast.days_between('min(ordered_at)', 'max(ordered_at)') }} as recency_days,
        {{ holdfast.days_between('min(ordered_at)', 'asked.as_of') }} as age_days,
        cast(sum(spend) as double) / cast(count(*) as double) as mean_spend,
    from asked
    inner join order_days
        on order_days.customer_id = asked.customer_id
        and order_days.order_date < cast(asked.as_of as date)
        and order_days.known_at < asked.as_of
    group by asked.as_of, asked.role, asked.customer_id

),

chosen as (

    select * from {{ ref('holdfast', 'holdfast__btyd_model') }}
    where is_chosen

),

models as (

    select * from chosen
    where status != 'no_model'

),

horizons as (

    {% for days in horizons -%}
    select
        as_of,
        {{ days }} as horizon_days,
        order_ratio_{{ days }}d as ratio,
        spend_ratio_{{ days }}d as spend_ratio,
    from models
    {%- if not loop.first %}
    where role = 'scoring'
    {%- endif %}
    {{ 'union all' if not loop.last }}
    {% endfor %}
),

pairs as (

    select distinct
        as_of,
        repeats,
        age_days as age,
    from histories

),

futures as (

    {{ holdfast.btyd_futures('pairs', 'models', 'horizons') }}

),

by_stage as materialized (

    select
        as_of,
        repeats,
        age,
        horizon_days,
        {%- for stage in stages %}
        coalesce(max(raw_days) filter (where stage = {{ stage }}), 0e0) as raw_{{ stage }},
        coalesce(max(level_days) filter (where stage = {{ stage }}), 0e0) as level_{{ stage }},
        coalesce(max(level_squares) filter (where stage = {{ stage }}), 0e0) as squares_{{ stage }},
        max(reached) filter (where stage = {{ stage }}) as reached_{{ stage }},
        coalesce(max({{ holdfast.list_item('reached', 1) }}) filter (where stage = {{ stage }}), 0e0) as any_{{ stage }},
        {%- endfor %}
        max(len(reached)) as most_days,
    from futures
    group by as_of, repeats, age, horizon_days

),

tails as (

    select *
    from (
        select
            as_of,
            repeats,
            age,
            horizon_days,
            {%- for stage in stages %}
            coalesce({{ holdfast.list_item('reached_' ~ stage, 'days') }}, 0e0) as reached_{{ stage }},
            {%- endfor %}
        from (select *, {{ holdfast.whole_numbers('most_days - 1') }} + 1 as days from by_stage) as numbered
    ) as listed
    where greatest(reached_0, reached_1, reached_2, reached_3, reached_4, reached_5) > 0.1e0

),

weighed as (

    select
        histories.*,
        models.orders_per_day,
        models.spend_p,
        models.spend_q,
        models.spend_p * (models.spend_gamma + histories.order_days * histories.mean_spend)
        / cast(models.spend_p * histories.order_days + models.spend_q - 1e0 as double) as expected_day_spend,
        {{ holdfast.btyd_alive('histories.repeats', 'histories.recency_days', 'histories.age_days', 'models') }} as p_alive,
        {%- for weight in holdfast.btyd_stages('histories.repeats', 'histories.recency_days', 'histories.age_days', 'models') %}
        {{ weight }} as weight_{{ loop.index0 }},
        {%- endfor %}
    from histories
    inner join models on models.as_of = histories.as_of

),

-- the probability that a customer lives and is at a stage
alive as (

    select
        *,
        {%- for stage in stages %}
        p_alive * weight_{{ stage }}
        / cast(weight_0 + weight_1 + weight_2 + weight_3 + weight_4 + weight_5 as double) as share_{{ stage }},
        {%- endfor %}
    from weighed

),

-- an interval is read off the distribution of order days: more than its bounds has a probability of 0.9 and 0.1
bounds as (

    select
        as_of,
        customer_id,
        horizon_days,
        count(*) filter (where probability > 0.9e0) as lower_days,
        count(*) filter (where probability > 0.1e0) as upper_days,
    from (
        select
            alive.as_of,
            alive.customer_id,
            tails.horizon_days,
            {{ holdfast.btyd_mixture('tails.reached') }} as probability,
        from alive
        inner join tails
            on tails.as_of = alive.as_of
            and tails.repeats = alive.repeats
            and tails.age = alive.age_days
    ) as of_days
    group by as_of, customer_id, horizon_days

),

expected as (

    select
        alive.as_of,
        alive.customer_id,
        by_stage.horizon_days,
        alive.orders_per_day,
        alive.expected_day_spend,
        alive.spend_p,
        alive.spend_q + alive.spend_p * alive.order_days as spend_q,
        horizons.ratio,
        horizons.spend_ratio,
        {{ holdfast.btyd_mixture('by_stage.raw') }} as raw_days,
        {{ holdfast.btyd_mixture('by_stage.any') }} as any_probability,
        {{ holdfast.btyd_mixture('by_stage.level') }} as level_days,
        {{ holdfast.btyd_mixture('by_stage.squares') }} as level_squares,
    from alive
    inner join by_stage
        on by_stage.as_of = alive.as_of
        and by_stage.repeats = alive.repeats
        and by_stage.age = alive.age_days
    inner join horizons
        on horizons.as_of = by_stage.as_of
        and horizons.horizon_days = by_stage.horizon_days

),

-- what is spent, if anything, is taken as log-normal with the mean and the variance that orders and their values have
spent as (

    select
        *,
        raw_days * orders_per_day as raw_orders,
        raw_days * expected_day_spend as raw_spend,
        raw_days * expected_day_spend * spend_ratio as spend,
        sqrt(ln(greatest(
            (spend_q - 1e0) / cast(greatest(spend_q - 2e0, 0.5e0) as double)
            * (level_days / cast(spend_p as double) + level_squares) / cast(level_days * level_days as double) * any_probability,
            1e0
        ))) as log_deviation,
    from expected

),

bounded as (

    select
        spent.*,
        round(coalesce(bounds.lower_days, 0) * spent.orders_per_day) as lower_orders,
        round(coalesce(bounds.upper_days, 0) * spent.orders_per_day) as upper_orders,
        {%- for name, probability in [('lower', 0.1), ('upper', 0.9)] %}
        case
            when any_probability <= {{ 1 - probability }}e0 + 1e-9 then least(spend, 0e0)
            else spend / cast(any_probability as double) * exp(
                log_deviation
                * {{ holdfast.normal_quantile('1e0 - ' ~ (1 - probability) ~ 'e0 / cast(any_probability as double)') }}
                - log_deviation * log_deviation / 2e0
            )
        end as {{ name }}_spend,
        {%- endfor %}
    from spent
    left join bounds
        on bounds.as_of = spent.as_of
        and bounds.customer_id = spent.customer_id
        and bounds.horizon_days = spent.horizon_days

),

by_customer as (

    select
        as_of,
        customer_id,
        {%- for days in horizons %}
        {%- for name, value in {
            'expected_orders_{}': 'raw_orders * ratio', 'expected_orders_{}_raw': 'raw_orders',
            'expected_orders_{}_lower': 'lower_orders', 'expected_orders_{}_upper': 'upper_orders',
            'expected_spend_{}': 'spend', 'expected_spend_{}_raw': 'raw_spend',
            'expected_spend_{}_lower': 'lower_spend', 'expected_spend_{}_upper': 'upper_spend',
        }.items() %}
        max({{ value }}) filter (where horizon_days = {{ days }}) as {{ name | replace('{}', days ~ 'd') }},
        {%- endfor %}
        {%- endfor %}
    from bounded
    group by as_of, customer_id

),

final as (

    select
        histories.customer_id,
        histories.as_of,
        histories.role,
        chosen.status,
        chosen.algorithm,
        chosen.model_id,
        histories.order_days,
        histories.recency_days,
        histories.age_days,
        histories.mean_spend,
        alive.p_alive,
        alive.expected_day_spend,
        {%- for days in horizons %}
        {%- for name in ['orders', 'spend'] %}
        {%- for part in ['', '_raw', '_lower', '_upper'] %}
        by_customer.expected_{{ name }}_{{ days }}d{{ part }},
        {%- endfor %}
        {%- endfor %}
        {%- endfor %}
    from histories
    inner join chosen on chosen.as_of = histories.as_of
    left join alive
        on alive.as_of = histories.as_of
        and alive.customer_id = histories.customer_id
    left join by_customer
        on by_customer.as_of = histories.as_of
        and by_customer.customer_id = histories.customer_id

)

select * from final
