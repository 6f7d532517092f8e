-- what it cost to win the customers of a month and channel, what they have brought since, and when that paid the cost
{% set as_of = 'cast(' ~ holdfast.as_of_date() ~ ' as timestamp)' -%}
{#- a personal column splits nothing; a unit test has no inputs to ask -#}
{% set personal = holdfast.personal_columns('customers') if model.resource_type | string == 'model' else [] -%}
{% set has_channel = 'acquisition_channel' not in personal -%}
with

known as (

    select {{ holdfast.known_until() }} as known_until

),

orders as (

    select
        orders.*,
        row_number() over (
            partition by customer_id, amount > 0 order by ordered_at asc nulls last, order_id asc nulls last
        ) as purchase_number,
    from {{ ref('holdfast', 'stg_holdfast__orders') }} as orders
    where
        ordered_at < {{ as_of }}
        and coalesce(loaded_at, ordered_at) < {{ as_of }}
        and customer_id is not null

),

-- items of a hundred million million and more are no items
items as (

    select
        items.order_id,
        products.unit_cost is not null as has_cost,
        cast(items.quantity * cast(items.unit_price as double) as decimal(38, 4)) as value,
        cast(items.quantity * cast(products.unit_cost as double) as decimal(38, 4)) as cost,
    from {{ ref('holdfast', 'stg_holdfast__order_items') }} as items
    left join {{ ref('holdfast', 'stg_holdfast__products') }} as products on products.product_id = items.product_id
    where
        coalesce(items.loaded_at, timestamp '1900-01-01') < {{ as_of }}
        and abs(items.quantity * cast(items.unit_price as double)) < 1e14
        and abs(coalesce(items.quantity * cast(products.unit_cost as double), 0)) < 1e14

),

-- as in customer_value: where an item's cost is not known, it is taken to be the share of the price of the others'
order_costs as (

    select
        order_id,
        cast(
            cast(sum(cost) as double) * greatest(
                coalesce(
                    cast(sum(value) as double) / cast(nullif(sum(value) filter (where has_cost), 0) as double), 1e0
                ), 1e0
            ) as decimal(38, 4)
        ) as cost,
        count(cost) = count(*) as is_whole,
    from items
    group by order_id
    having sum(cost) is not null

),

first_orders as (

    select
        customer_id,
        ordered_at as first_order_at,
        channel,
    from orders
    where
        amount > 0
        and purchase_number = 1

),

history as (

    select cast(date_trunc('month', min(first_order_at)) as date) as first_month from first_orders

),

-- a registration before the first purchase was won by the spend of its own month
acquired as (

    select
        first_orders.customer_id,
        cast(date_trunc('month', least(
            first_orders.first_order_at,
            coalesce(nullif(customers.created_at, timestamp '1970-01-01'), first_orders.first_order_at)
        )) as date) as month,
        coalesce(
            {%- if has_channel %}
            nullif(trim(customers.acquisition_channel), ''),
            {%- endif %}
            nullif(trim(first_orders.channel), ''),
            'unknown'
        ) as channel,
    from first_orders
    left join {{ ref('holdfast', 'stg_holdfast__customers') }} as customers
        on customers.customer_id = first_orders.customer_id
        and customers.created_at < {{ as_of }}

),

-- Ads and ads are one channel
cohorts as (

    select
        month,
        lower(channel) as channel_key,
        min(channel) as channel,
        count(*) as acquired_customers,
    from acquired
    group by month, lower(channel)

),

margins as (

    select
        acquired.month,
        lower(acquired.channel) as channel_key,
        cast(date_trunc('month', orders.ordered_at) as date) as order_month,
        sum(orders.amount) as revenue,
        sum(orders.amount - coalesce(order_costs.cost, 0)) as margin,
        count(order_costs.cost) as orders_with_cost,
        count(*) filter (where order_costs.is_whole) as orders_with_all_costs,
        count(*) as orders,
    from orders
    inner join acquired on acquired.customer_id = orders.customer_id
    left join order_costs on order_costs.order_id = orders.order_id
    group by acquired.month, lower(acquired.channel), cast(date_trunc('month', orders.ordered_at) as date)

),

running as (

    select
        *,
        sum(margin) over (
            partition by month, channel_key
            order by order_month asc nulls last
            rows between unbounded preceding and current row
        ) as margin_so_far,
    from margins

),

to_date as (

    select
        month,
        channel_key,
        sum(revenue) as revenue,
        sum(margin) as margin,
        case
            when sum(orders_with_cost) = 0 then 'revenue'
            when sum(orders_with_all_costs) = sum(orders) then 'margin'
            else 'mixed'
        end as margin_basis,
    from margins
    group by month, channel_key

),

expected as (

    select
        acquired.month,
        lower(acquired.channel) as channel_key,
        cast(sum(cast(
            coalesce(worth.expected_margin_365d, worth.expected_spend_365d) as decimal(38, 4)
        )) as double) as expected_value,
    from acquired
    inner join {{ ref('holdfast', 'holdfast__customer_value') }} as worth on worth.customer_id = acquired.customer_id
    group by acquired.month, lower(acquired.channel)

),

costs as (

    select
        month,
        coalesce(lower(nullif(trim(channel), '')), 'unknown') as channel_key,
        coalesce(min(nullif(trim(channel), '')), 'unknown') as channel,
        cast(sum(spend) as decimal(38, 4)) as spend,
    from {{ ref('holdfast', 'stg_holdfast__acquisition_costs') }}
    where
        month is not null
        and month < {{ holdfast.as_of_date() }}
    group by month, coalesce(lower(nullif(trim(channel), '')), 'unknown')

),

paid as (

    select
        running.month,
        running.channel_key,
        min(running.order_month) as paid_month,
    from running
    inner join costs
        on costs.month = running.month
        and costs.channel_key = running.channel_key
    where running.margin_so_far >= costs.spend
    group by running.month, running.channel_key

),

joined as (

    select
        coalesce(cohorts.month, costs.month) as month,
        coalesce(cohorts.channel, costs.channel) as channel,
        coalesce(cohorts.channel_key, costs.channel_key) as channel_key,
        coalesce(cohorts.acquired_customers, 0) as acquired_customers,
        costs.spend,
    from cohorts
    full join costs
        on costs.month = cohorts.month
        and costs.channel_key = cohorts.channel_key

),

judged as (

    select
        joined.*,
        {{ holdfast.plus_months('cast(joined.month as timestamp)', 1) }} <= known.known_until as is_complete,
        case
            when joined.month < history.first_month then 'history_incomplete'
            when joined.spend is null then 'no_cost'
            when joined.spend < 0 then 'negative_spend'
            when joined.acquired_customers = 0 then 'no_customers'
            when paid.paid_month is not null then 'paid_back'
            else 'not_yet'
        end as status,
        to_date.revenue,
        to_date.margin,
        to_date.margin_basis,
        paid.paid_month,
        expected.expected_value,
    from joined
    cross join known
    cross join history
    left join to_date
        on to_date.month = joined.month
        and to_date.channel_key = joined.channel_key
    left join expected
        on expected.month = joined.month
        and expected.channel_key = joined.channel_key
    left join paid
        on paid.month = joined.month
        and paid.channel_key = joined.channel_key

),

final as (

    select
        month,
        cast(channel as varchar) as channel,
        {{ holdfast.as_of_date() }} as as_of_date,
        is_complete,
        cast(status as varchar) as status,
        cast(acquired_customers as bigint) as acquired_customers,
        spend,
        case
            when status != 'negative_spend' then cast(spend as double) / cast(nullif(acquired_customers, 0) as double)
        end as cost_per_customer,
        cast(coalesce(revenue, 0) as decimal(38, 4)) as cohort_revenue,
        cast(coalesce(margin, 0) as decimal(38, 4)) as cohort_margin,
        cast(margin_basis as varchar) as margin_basis,
        cast({{ holdfast.months_between(
            'cast(month as timestamp)', as_of
        ) }} as bigint) as months_observed,
        case
            when status = 'paid_back'
                then cast({{ holdfast.months_between(
                    'cast(month as timestamp)', 'cast(paid_month as timestamp)'
                ) }} as bigint)
        end as months_to_payback,
        case
            when status in ('paid_back', 'not_yet') then cast(margin as double) / cast(nullif(spend, 0) as double)
        end as margin_to_cost,
        cast(margin as double) + expected_value as predicted_value,
        case
            when status in ('paid_back', 'not_yet')
                then (cast(margin as double) + expected_value) / cast(nullif(spend, 0) as double)
        end as predicted_value_to_cost,
    from judged

)

select * from final
