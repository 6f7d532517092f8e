{{ config(
    enabled=holdfast.has_system('timing'),
    materialized='incremental',
    incremental_strategy='append',
    on_schema_change='append_new_columns',
    full_refresh=holdfast.setting('reset'),
) }}
-- what has fired for whom: a row, once written, stays, and keeps its like from firing within the period
{% set as_of = 'cast(' ~ holdfast.as_of_date() ~ ' as timestamp)' -%}
{% set definition = holdfast.setting('churn_definition') -%}
{% set words = holdfast.language().triggers -%}
{#- days that are looked back: at views before a price drop or a return to the shelves, at prices before one -#}
{% set interest_days = 30 -%}
{% set price_days = 28 -%}
{% set fired_at = 'cast(fired.fired_date as timestamp)' -%}
{% set latest = '-cast(coalesce(max(expires_days), 0) + ' -%}
{% set triggers = [
    'first_order_follow_up', 'overdue', 'at_risk', 'win_back', 'browse_without_cart', 'cart_without_order', 'price_drop',
    'back_in_stock', 'renewal', 'anniversary',
] -%}
{% set about_subscriptions = ['at_risk', 'win_back'] if definition == 'contractual' else [] -%}
{% set values = {
    'first_days': 'first_days', 'first_day': 'first_day', 'first_number': 'first_number',
    'second_number': 'second_number', 'product': 'product_name',
} -%}
{% set events = holdfast.as_known_at(
    ref('holdfast', 'stg_holdfast__web_events'), holdfast.event_times()['stg_holdfast__web_events'], as_of
) -%}
with

rules as (

    select * from {{ ref('holdfast', 'holdfast__trigger_rules') }}
    where is_enabled

),

reach as (

    select
        {{ holdfast.plus_days(as_of, latest ~ (interest_days + 2) ~ ' as integer)') }} as events_from,
        {{ holdfast.plus_days(as_of, latest ~ (price_days + 2) ~ ' as integer)') }} as prices_from,
    from rules

),

orders as (

    select
        customer_id,
        order_id,
        ordered_at,
    from {{ holdfast.as_known_at(
        ref('holdfast', 'stg_holdfast__orders'), holdfast.event_times()['stg_holdfast__orders'], as_of
    ) }} as orders
    where
        amount > 0
        and customer_id is not null

),

buyers as (

    select
        customer_id,
        min(ordered_at) as first_at,
        max(ordered_at) as last_at,
        count(*) as order_count,
        count(distinct cast(ordered_at as date)) as day_count,
    from orders
    group by customer_id

),

lines as (

    select
        orders.customer_id,
        orders.ordered_at,
        items.product_id,
        items.unit_price,
    from {{ ref('holdfast', 'stg_holdfast__order_items') }} as items
    inner join orders on orders.order_id = items.order_id
    cross join reach
    where
        items.quantity > 0
        and items.product_id is not null
        and coalesce(items.loaded_at, orders.ordered_at) < {{ as_of }}
        and orders.ordered_at >= least(reach.events_from, reach.prices_from)

),

states as (

    select *
    from {{ ref('holdfast', 'holdfast__customer_lifecycle') }}
    where left_at is null

),

products as (

    select
        product_id,
        max(product_name) as product_name,
    from {{ ref('holdfast', 'stg_holdfast__products') }}
    group by product_id

),

events as (

    select
        customer_id,
        event_id,
        occurred_at,
        product_id,
        session_id,
        event_type in ({{ holdfast.event_types('view') }}) as is_view,
    from {{ events }} as events
    cross join reach
    where
        customer_id is not null
        and event_type in ({{ holdfast.event_types('view') }}, {{ holdfast.event_types('cart') }})
        and occurred_at >= reach.events_from

),

-- where events carry no session, half an hour without one ends a visit, at whatever time of the day
steps as (

    select
        *,
        case
            when session_id is not null then 0
            when occurred_at <= lag(occurred_at) over visits + interval 30 minute then 0
            else 1
        end as begins_visit,
    from events
    window visits as (partition by customer_id order by occurred_at asc nulls last, event_id asc nulls last)

),

visits as (

    select
        *,
        coalesce(
            cast(session_id as varchar),
            cast(sum(begins_visit) over (
                partition by customer_id
                order by occurred_at asc nulls last, event_id asc nulls last
                rows between unbounded preceding and current row
            ) as varchar) || ' of the customer'
        ) as visit_id,
    from steps

),

viewed as (

    select
        customer_id,
        visit_id,
        product_id,
        count(*) as view_count,
        min(occurred_at) as first_at,
        max(occurred_at) as last_at,
    from visits
    where is_view
    group by customer_id, visit_id, product_id

),

browsed as (

    select
        customer_id,
        visit_id,
        min(first_at) as first_at,
        max(last_at) as last_at,
        sum(view_count) as view_count,
        {{ holdfast.value_at_max(
            'product_id', '(case when product_id is null then 0 else view_count end, last_at, cast(product_id as varchar))'
        ) }} as product_id,
    from viewed
    group by customer_id, visit_id

),

cart_days as (

    select
        customer_id,
        max(occurred_at) as last_at,
    from events
    where not is_view
    group by customer_id

),

-- a visit, or a cart, is settled a day after its last event
settled_carts as (

    select
        events.customer_id,
        max(events.occurred_at) as last_at,
        count(distinct events.product_id) as product_count,
        {{ holdfast.value_at_max(
            'events.product_id',
            '(case when events.product_id is null then 0 else 1 end, events.occurred_at, cast(events.event_id as varchar))',
        ) }} as product_id,
    from events
    left join buyers on buyers.customer_id = events.customer_id
    where
        not events.is_view
        and events.occurred_at <= {{ as_of }} - interval 1 day
        and events.occurred_at > {{ as_of }} - interval {{ interest_days }} day
        and coalesce(buyers.last_at < events.occurred_at, true)
    group by events.customer_id

),

interests as (

    select
        customer_id,
        product_id,
        occurred_at as interested_at,
        is_view,
    from events
    where product_id is not null

),

-- a price has dropped on a day on which nobody paid as much as anybody did in the weeks before
prices as (

    select
        product_id,
        cast(ordered_at as date) as day,
        min(ordered_at) as first_at,
        min(unit_price) as lowest,
        max(unit_price) as highest,
        count(*) as line_count,
    from lines
    where unit_price > 0
    group by product_id, cast(ordered_at as date)

),

compared as (

    select
        *,
        min(lowest) over earlier as lowest_before,
        sum(line_count) over earlier as lines_before,
    from prices
    window earlier as (
        partition by product_id
        order by day asc nulls last
        range between interval {{ price_days }} day preceding and interval 1 day preceding
    )

),

drops as (

    select
        compared.product_id,
        compared.first_at,
        cast(compared.highest as double) as price,
        cast(compared.lowest_before as double) as former_price,
    from compared
    inner join rules on rules.trigger = 'price_drop'
    where
        compared.lines_before >= 3
        and cast(compared.highest as double) <= (1e0 - rules.threshold) * cast(compared.lowest_before as double)
        and compared.first_at > {{ holdfast.plus_days(as_of, '-rules.expires_days') }}

),

changes as (

    select
        *,
        lag(is_available) over (
            partition by product_id order by changed_at asc nulls last, is_available desc nulls last
        ) as was_available,
    from {{ holdfast.as_known_at(
        ref('holdfast', 'stg_holdfast__product_availability'),
        holdfast.event_times()['stg_holdfast__product_availability'],
        as_of,
    ) }} as changes

),

returns as (

    select
        product_id,
        max(changed_at) as changed_at,
    from changes
    where
        is_available
        and not was_available
    group by product_id

),

availability as (

    {{ holdfast.available_products(as_of) | indent(4) }}

),

-- what moves a product: its price, or its return to the shelves
moves as (

    select
        'price_drop' as trigger,
        product_id,
        first_at as moved_at,
        price,
        former_price,
    from drops

    union all

    select
        'back_in_stock' as trigger,
        product_id,
        changed_at as moved_at,
        cast(null as double) as price,
        cast(null as double) as former_price,
    from returns

),

moved as (

    select
        moves.trigger,
        interests.customer_id,
        moves.product_id,
        moves.moved_at,
        moves.price,
        moves.former_price,
        max(interests.interested_at) as interested_at,
    from moves
    inner join interests
        on interests.product_id = moves.product_id
        and interests.interested_at < moves.moved_at
        and interests.interested_at >= moves.moved_at - interval {{ interest_days }} day
    left join availability on availability.product_id = moves.product_id
    where coalesce(availability.is_available, true)
    group by
        moves.trigger, interests.customer_id, moves.product_id, moves.moved_at, moves.price, moves.former_price

),

subscriptions as (

    select
        subscriptions.customer_id,
        subscriptions.started_at,
        subscriptions.ended_at,
        {{ holdfast.months_between('subscriptions.started_at', as_of) }} as months,
        greatest(1, cast(round(coalesce(subscriptions.period_months, 1)) as integer)) as period_months,
    from {{ ref('holdfast', 'stg_holdfast__subscriptions') }} as subscriptions
    where
        subscriptions.customer_id is not null
        and subscriptions.started_at < {{ as_of }}
        and coalesce(subscriptions.ended_at > {{ as_of }}, true)

),

-- an end that lies ahead is a renewal where subscriptions are billed by terms, which the state tells
renewals as (

    select
        subscriptions.customer_id,
        min(coalesce(
            subscriptions.ended_at,
            {{ holdfast.plus_months(
                'subscriptions.started_at',
                'cast((subscriptions.months - subscriptions.months % subscriptions.period_months) + subscriptions.period_months as integer)',
            ) }}
        )) as renews_at,
    from subscriptions
    left join states
        on states.customer_id = subscriptions.customer_id
        and states.churn_definition = 'contractual'
        and states.state = 'running'
    where
        subscriptions.ended_at is null
        or states.customer_id is not null
    group by subscriptions.customer_id

),

first_orders as (

    select
        *,
        {{ holdfast.months_between('first_at', as_of) }} as months,
    from buyers

),

candidates as (

    select
        'first_order_follow_up' as trigger,
        buyers.customer_id,
        {{ holdfast.plus_days('buyers.first_at', 'cast(rules.threshold as integer)') }} as triggered_at,
        null as product_id,
        buyers.first_at as told_at,
        cast(null as double) as first_number,
        cast(null as double) as second_number,
    from buyers
    inner join rules on rules.trigger = 'first_order_follow_up'
    where buyers.day_count = 1

    union all

    select
        'overdue' as trigger,
        states.customer_id,
        {{ holdfast.plus_days(
            'buyers.last_at', 'cast(floor(rules.threshold * states.usual_gap_days) as integer) + 1'
        ) }} as triggered_at,
        null as product_id,
        buyers.last_at as told_at,
        cast(buyers.order_count as double) as first_number,
        states.usual_gap_days as second_number,
    from states
    inner join buyers on buyers.customer_id = states.customer_id
    inner join rules on rules.trigger = 'overdue'
    where
        states.churn_definition = 'non_contractual'
        and states.state = 'on_rhythm'

    union all

    select
        'at_risk' as trigger,
        states.customer_id,
        states.entered_at as triggered_at,
        null as product_id,
        {{ "states.entered_at" if definition == 'contractual' else 'buyers.last_at' }} as told_at,
        cast({{ holdfast.setting('slipping_after') }} as double) as first_number,
        states.usual_gap_days as second_number,
    from states
    left join buyers on buyers.customer_id = states.customer_id
    where
        states.churn_definition = {{ holdfast.text(definition) }}
        and states.state in ('slipping', 'cancelled_running_out')

    union all

    select
        'win_back' as trigger,
        states.customer_id,
        states.entered_at as triggered_at,
        null as product_id,
        {% if definition == 'contractual' -%}
        states.entered_at - interval {{ holdfast.setting('allowed_gap_days') }} day
        {%- else -%}
        buyers.last_at
        {%- endif %} as told_at,
        cast(buyers.order_count as double) as first_number,
        cast(null as double) as second_number,
    from states
    left join buyers on buyers.customer_id = states.customer_id
    where
        states.churn_definition = {{ holdfast.text(definition) }}
        and states.state = 'lapsed'

    union all

    select
        'browse_without_cart' as trigger,
        browsed.customer_id,
        browsed.last_at + interval 1 day as triggered_at,
        browsed.product_id,
        browsed.last_at as told_at,
        cast(browsed.view_count as double) as first_number,
        cast(null as double) as second_number,
    from browsed
    inner join rules on rules.trigger = 'browse_without_cart'
    left join cart_days on cart_days.customer_id = browsed.customer_id
    left join buyers on buyers.customer_id = browsed.customer_id
    where
        browsed.view_count >= rules.threshold
        and coalesce(cart_days.last_at < browsed.first_at, true)
        and coalesce(buyers.last_at < browsed.first_at, true)

    union all

    select
        'cart_without_order' as trigger,
        customer_id,
        last_at + interval 1 day as triggered_at,
        product_id,
        last_at as told_at,
        -- an event that names no product is still something in the cart
        cast(greatest(1, product_count) as double) as first_number,
        cast(null as double) as second_number,
    from settled_carts

    union all

    select
        moved.trigger,
        moved.customer_id,
        moved.moved_at as triggered_at,
        moved.product_id,
        moved.interested_at as told_at,
        moved.price as first_number,
        moved.former_price as second_number,
    from moved
    left join buyers on buyers.customer_id = moved.customer_id
    where coalesce(buyers.last_at < moved.interested_at, true)

    union all

    select
        'renewal' as trigger,
        renewals.customer_id,
        {{ holdfast.plus_days('renewals.renews_at', '-cast(rules.threshold as integer)') }} as triggered_at,
        null as product_id,
        renewals.renews_at as told_at,
        cast(
            {{ holdfast.days_between('cast(' ~ as_of ~ ' as date)', 'cast(renewals.renews_at as date)') }} as double
        ) as first_number,
        cast(null as double) as second_number,
    from renewals
    inner join rules on rules.trigger = 'renewal'

    union all

    select
        'anniversary' as trigger,
        customer_id,
        cast(
            {{ holdfast.plus_months('cast(first_at as date)', 'cast(months - months % 12 as integer)') }} as timestamp
        ) as triggered_at,
        null as product_id,
        first_at as told_at,
        cast((months - months % 12) / 12e0 as double) as first_number,
        cast(null as double) as second_number,
    from first_orders
    where months >= 12

),

-- open today, and nothing bought since: the latest of each kind
fresh as (

    select
        candidates.*,
        rules.expires_days,
        rules.period_days,
        row_number() over (
            partition by candidates.customer_id, candidates.trigger
            order by
                candidates.triggered_at desc nulls last,
                candidates.told_at desc nulls last,
                cast(candidates.product_id as varchar) asc nulls last
        ) as place,
    from candidates
    inner join rules on rules.trigger = candidates.trigger
    left join buyers on buyers.customer_id = candidates.customer_id
    where
        candidates.triggered_at <= {{ as_of }}
        and {{ holdfast.plus_days('candidates.triggered_at', 'rules.expires_days') }} > {{ as_of }}
        and (
            candidates.trigger in ('renewal', 'anniversary')
            or coalesce(buyers.last_at < candidates.triggered_at, true)
        )

),

told as (

    select
        fresh.*,
        {{ as_of }} as as_of,
        {{ holdfast.days_between('fresh.told_at', as_of) }} as first_days,
        -- the format date counts days from as_of
        {{ holdfast.days_between('cast(' ~ as_of ~ ' as date)', 'cast(fresh.told_at as date)') }} as first_day,
        coalesce(products.product_name, cast(fresh.product_id as varchar)) as product_name,
    from fresh
    left join products on products.product_id = fresh.product_id
    where fresh.place = 1

),

final as (

    select
        cast(md5(
            cast(customer_id as varchar) || ' ' || trigger || ' ' || cast(cast(triggered_at as date) as varchar)
        ) as varchar) as trigger_id,
        customer_id,
        cast(trigger as varchar) as trigger,
        triggered_at,
        date_trunc('day', triggered_at) as period_starts_at,
        {{ holdfast.plus_days('triggered_at', 'expires_days') }} as expires_at,
        product_id,
        cast(
            case trigger
                {%- for trigger in triggers %}
                {%- set key = trigger ~ '_subscription' if trigger in about_subscriptions else trigger %}
                when {{ holdfast.text(trigger) }} then {{ holdfast.told(words[key], values) }}
                {%- endfor %}
            end
            || case
                when trigger in ('browse_without_cart', 'cart_without_order')
                    then coalesce({{ holdfast.told(words.product, values) }}, '')
                else ''
            end as varchar
        ) as evidence,
        {{ holdfast.as_of_date() }} as fired_date,
    from told
    {%- if is_incremental() %}
    where
        not exists (
            select 1
            from {{ this }} as fired
            where
                fired.customer_id = told.customer_id
                and fired.trigger = told.trigger
                and (
                    (
                        told.triggered_at < {{ holdfast.plus_days('fired.period_starts_at', 'told.period_days') }}
                        and fired.period_starts_at < {{ holdfast.plus_days('told.triggered_at', 'told.period_days') }}
                    )
                    or (
                        {{ as_of }} < {{ holdfast.plus_days(fired_at, 'told.period_days') }}
                        and {{ fired_at }} < {{ holdfast.plus_days(as_of, 'told.period_days') }}
                    )
                )
        )
    {%- endif %}

)

select * from final
