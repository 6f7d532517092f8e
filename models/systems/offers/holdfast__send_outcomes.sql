-- what each customer did after a send, and before it
{{ config(enabled=holdfast.has_system('offers') or holdfast.has_system('campaigns')) }}
{% set as_of = 'cast(' ~ holdfast.as_of_date() ~ ' as timestamp)' -%}
{% set days = holdfast.setting('response_days') -%}
{#- windows meet where one ends and the next begins, and overlap only if they share a microsecond -#}
{% set almost = 'interval ' ~ holdfast.text((days * 86400000000 - 1) ~ ' microseconds') -%}
{#- days are counted in spans as long as the window, so that a window touches three of them -#}
{% set days_of = holdfast.days_between("timestamp '1900-01-01'", '{at}') -%}
{% set span_of = 'cast(floor(' ~ days_of ~ ' / ' ~ days ~ 'e0) as bigint)' -%}
with

known as (

    select {{ holdfast.known_until() }} as known_until,

),

customers as (

    {{ holdfast.all_customers() }}

),

sends as (

    select
        send_id,
        customer_id,
        campaign_id,
        offer_id,
        nullif(trim(channel), '') as channel,
        variant,
        decision_id,
        case when propensity > 0 and propensity <= 1 then propensity end as propensity,
        coalesce(is_control, false) as is_control,
        sent_at,
        sent_at + interval {{ days }} day as window_ends_at,
        {{ span_of.replace('{at}', 'sent_at') }} as span,
        coalesce(delivered_at < {{ as_of }}, false) as is_delivered,
        coalesce(opened_at < {{ as_of }}, false) as is_opened,
        coalesce(clicked_at < {{ as_of }}, false) as is_clicked,
        cost,
    from {{ ref('holdfast', 'stg_holdfast__campaign_sends') }}
    where sent_at < {{ as_of }}

),

-- few customers are in a campaign more than once
repeated as (

    select
        customer_id,
        campaign_id,
    from sends
    group by customer_id, campaign_id
    having count(*) > 1

),

-- a campaign may come round again: a send within the window of the one before belongs to the same round
begun as (

    select
        sends.send_id,
        sends.customer_id,
        sends.campaign_id,
        sends.sent_at,
        sends.is_control,
        case
            when sends.sent_at < lag(sends.window_ends_at) over campaign then 0
            else 1
        end as begins_round,
    from sends
    inner join repeated
        on repeated.customer_id = sends.customer_id
        and repeated.campaign_id = sends.campaign_id
    window campaign as (
        partition by sends.customer_id, sends.campaign_id
        order by sends.sent_at asc nulls last, sends.send_id asc nulls last
    )

),

in_rounds as (

    select
        *,
        sum(begins_round) over (
            partition by customer_id, campaign_id
            order by sent_at asc nulls last, send_id asc nulls last
            rows between unbounded preceding and current row
        ) as round_number,
    from begun

),

rounds as (

    select
        customer_id,
        campaign_id,
        round_number,
        count(distinct is_control) > 1 as is_in_both_arms,
    from in_rounds
    group by customer_id, campaign_id, round_number

),

repeats as (

    select
        in_rounds.send_id,
        case
            when rounds.is_in_both_arms then 'in_both_arms'
            when in_rounds.begins_round = 0 then 'repeat'
        end as excluded_because,
    from in_rounds
    inner join rounds
        on rounds.customer_id = in_rounds.customer_id
        and rounds.campaign_id = in_rounds.campaign_id
        and rounds.round_number = in_rounds.round_number

),

classified as (

    select
        sends.*,
        case
            when customers.customer_id is null then 'unknown_customer'
            else repeats.excluded_because
        end as excluded_because,
    from sends
    left join customers on customers.customer_id = sends.customer_id
    left join repeats on repeats.send_id = sends.send_id

),

-- each round of a campaign counts once, and what the control group was not sent overlaps with nothing
overlapping as (

    select
        *,
        count(case when excluded_because is null and not is_control then 1 end) over (
            partition by customer_id
            order by sent_at asc nulls last
            range between {{ almost }} preceding and {{ almost }} following
        ) as campaigns_around,
    from classified

),

-- as in customer_value: an item whose cost is not known costs as much of its price as the others in the order
items as (

    select
        items.order_id,
        cast(items.quantity * items.unit_price as decimal(38, 4)) as value,
        products.unit_cost is not null as has_cost,
        cast(items.quantity * products.unit_cost as decimal(38, 4)) as cost,
    from {{ ref('holdfast', 'stg_holdfast__order_items') }} as items
    left join {{ ref('holdfast', 'stg_holdfast__products') }} as products
        on products.product_id = items.product_id
    where
        items.quantity > 0
        and items.unit_price >= 0
        and items.quantity * items.unit_price < 1e14
        and coalesce(items.quantity * products.unit_cost, 0) < 1e14

),

costs as (

    select
        order_id,
        cast(
            cast(sum(cost) as double)
            * coalesce(
                cast(sum(value) as double) / cast(nullif(sum(value) filter (where has_cost), 0) as double), 1e0
            )
            as decimal(38, 4)
        ) as cost,
    from items
    group by order_id
    having sum(cost) is not null

),

orders as (

    select
        orders.customer_id,
        orders.ordered_at,
        {{ span_of.replace('{at}', 'orders.ordered_at') }} as span,
        orders.amount,
        orders.discount_amount,
        case when orders.amount > 0 then costs.cost end as cost,
    from {{ ref('holdfast', 'stg_holdfast__orders') }} as orders
    left join costs on costs.order_id = orders.order_id
    where
        orders.customer_id is not null
        and orders.ordered_at < {{ as_of }}
        and coalesce(orders.loaded_at, orders.ordered_at) < {{ as_of }}

),

-- returns, and orders of which no cost is known, cost as much of their amount as the others
cost_of_all as (

    select
        cast(sum(cost) as double)
        / cast(nullif(sum(amount) filter (where cost is not null), 0) as double) as share,
    from orders

),

earned as (

    select
        orders.*,
        cast(
            cast(orders.amount as double)
            - coalesce(cast(orders.cost as double), cast(orders.amount as double) * cost_of_all.share)
            as decimal(38, 4)
        ) as margin,
    from orders
    cross join cost_of_all

),

steps as (

    select -1 as step

    union all

    select 0 as step

    union all

    select 1 as step

),

-- orders are found by customer and span of days, so that a long history costs no more than a short one
spans as (

    select
        sends.send_id,
        sends.customer_id,
        sends.sent_at,
        sends.window_ends_at,
        sends.sent_at - interval {{ days }} day as prior_begins_at,
        sends.span + steps.step as span,
    from sends
    cross join steps

),

followed as (

    select
        spans.send_id,
        count(*) filter (where earned.ordered_at >= spans.sent_at and earned.amount > 0) as orders,
        sum(earned.amount) filter (where earned.ordered_at >= spans.sent_at) as revenue,
        sum(earned.margin) filter (where earned.ordered_at >= spans.sent_at) as margin,
        sum(earned.discount_amount) filter (where earned.ordered_at >= spans.sent_at) as discount,
        count(*) filter (where earned.ordered_at < spans.sent_at and earned.amount > 0) as prior_orders,
        sum(earned.amount) filter (where earned.ordered_at < spans.sent_at) as prior_revenue,
        sum(earned.margin) filter (where earned.ordered_at < spans.sent_at) as prior_margin,
        sum(earned.discount_amount) filter (where earned.ordered_at < spans.sent_at) as prior_discount,
    from spans
    inner join earned
        on earned.customer_id = spans.customer_id
        and earned.span = spans.span
        and earned.ordered_at >= spans.prior_begins_at
        and earned.ordered_at < spans.window_ends_at
    group by spans.send_id

),

final as (

    select
        sends.send_id,
        sends.customer_id,
        sends.campaign_id,
        sends.offer_id,
        sends.channel,
        sends.variant,
        sends.decision_id,
        sends.propensity,
        sends.is_control,
        coalesce(lifecycle.state, 'unknown') as segment,
        sends.sent_at,
        sends.window_ends_at,
        sends.window_ends_at <= known.known_until as is_mature,
        cast(sends.excluded_because as varchar) as excluded_because,
        case
            when sends.excluded_because is null
                then sends.campaigns_around - case when sends.is_control then 0 else 1 end
        end as overlapping_campaigns,
        {%- for prior in ['', 'prior_'] %}
        {%- set when_known = 'case when sends.window_ends_at <= known.known_until then ' if not prior else '' %}
        {%- set end = ' end' if when_known else '' %}
        {{ when_known }}coalesce(followed.{{ prior }}orders, 0) > 0{{ end }} as {{ prior }}is_retained,
        {{ when_known }}coalesce(followed.{{ prior }}orders, 0){{ end }} as {{ prior }}orders,
        {{ when_known }}cast(coalesce(followed.{{ prior }}revenue, 0) as decimal(38, 4)){{ end }} as {{ prior }}revenue,
        case
            when cost_of_all.share is null then null
            else {{ when_known }}cast(coalesce(followed.{{ prior }}margin, 0) as decimal(38, 4)){{ end }}
        end as {{ prior }}margin,
        {{ holdfast.told_by(
            'orders', 'discount_amount',
            when_known ~ 'cast(coalesce(followed.' ~ prior ~ 'discount, 0) as decimal(38, 4))' ~ end, 'decimal(38, 4)'
        ) }} as {{ prior }}discount,
        {%- endfor %}
        {%- for done in ['delivered', 'opened', 'clicked'] %}
        {{ holdfast.told_by('campaign_sends', done ~ '_at', 'sends.is_' ~ done, 'boolean') }} as is_{{ done }},
        {%- endfor %}
        sends.cost,
    from overlapping as sends
    cross join known
    cross join cost_of_all
    left join followed on followed.send_id = sends.send_id
    left join {{ ref('holdfast', 'holdfast__customer_lifecycle') }} as lifecycle
        on lifecycle.customer_id = sends.customer_id
        and lifecycle.churn_definition = {{ holdfast.text(holdfast.setting('churn_definition')) }}
        and {{ holdfast.state_in_force('lifecycle', 'sends.sent_at') }}

)

select * from final
