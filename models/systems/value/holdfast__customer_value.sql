-- what each customer has been worth, and is expected to be
{% set as_of = 'cast(' ~ holdfast.as_of_date() ~ ' as timestamp)' -%}
with

customers as (

    {{ holdfast.all_customers() }}

),

history as (

    select * from {{ ref('holdfast', 'holdfast__customer_history') }}

),

btyd as (

    select *
    from {{ ref('holdfast', 'holdfast__btyd_scores') }}
    where role = 'scoring'

),

-- where the regression did better on dates that neither had seen: of those whom it knows long enough
{% for name in ['orders', 'spend'] -%}
{{ name }}_by_regression as (

    {{ holdfast.regression_forecast(name) | indent(4) }}

),

{% endfor -%}
-- the one source of what is expected: a row per customer who has ordered. The regression looks 90 days ahead, the days
-- after that are always the other model's; its interval of the year moves along with the expectation, and holds it
forecasts as (

    select
        btyd.customer_id,
        case when btyd.status = 'fitted' then 'scored' else btyd.status end as status,
        btyd.p_alive,
        {%- for name in ['orders', 'spend'] %}
        {%- set model = name ~ '_by_regression' %}
        {%- set later = 'greatest(btyd.expected_' ~ name ~ '_365d - btyd.expected_' ~ name ~ '_90d, 0e0)' %}
        {%- set year = model ~ '.expected + ' ~ later %}
        case
            when {{ model }}.customer_id is null then btyd.expected_{{ name }}_90d
            else {{ model }}.expected
        end as expected_{{ name }}_90d,
        case
            when {{ model }}.customer_id is null then btyd.expected_{{ name }}_365d
            else {{ year }}
        end as expected_{{ name }}_365d,
        {%- for side, further in [('lower', 'least'), ('upper', 'greatest')] %}
        case
            when {{ model }}.customer_id is null then btyd.expected_{{ name }}_90d_{{ side }}
            else {{ model }}.expected_{{ side }}
        end as expected_{{ name }}_90d_{{ side }},
        case
            when {{ model }}.customer_id is null then btyd.expected_{{ name }}_365d_{{ side }}
            else {{ further }}({{ year }}, greatest(
                {{ model }}.expected_{{ side }},
                btyd.expected_{{ name }}_365d_{{ side }}
                * coalesce(({{ year }}) / cast(nullif(btyd.expected_{{ name }}_365d, 0e0) as double), 1e0)
            ))
        end as expected_{{ name }}_365d_{{ side }},
        {%- endfor %}
        {%- endfor %}
        case
            when spend_by_regression.customer_id is not null then spend_by_regression.algorithm
            when btyd.status != 'no_model' then btyd.algorithm
        end as value_model,
        case
            when orders_by_regression.customer_id is not null then orders_by_regression.algorithm
            when btyd.status != 'no_model' then btyd.algorithm
        end as orders_model,
        case
            when spend_by_regression.customer_id is null then btyd.model_id
            else spend_by_regression.model_id
        end as model_id,
    from btyd
    left join orders_by_regression on orders_by_regression.customer_id = btyd.customer_id
    left join spend_by_regression on spend_by_regression.customer_id = btyd.customer_id

),

orders as (

    select
        order_id,
        customer_id,
        amount,
    from {{ ref('holdfast', 'stg_holdfast__orders') }}
    where
        amount > 0
        and customer_id is not null
        and ordered_at < {{ as_of }}

),

-- items of a hundred million million and more are no items
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

-- an item whose cost is not known is taken to cost as much of its price as the others in the order
costs as (

    select
        order_id,
        cast(
            cast(sum(cost) as double)
            * coalesce(cast(sum(value) as double) / cast(nullif(sum(value) filter (where has_cost), 0) as double), 1e0)
            as decimal(38, 4)
        ) as cost,
    from items
    group by order_id
    having sum(cost) is not null

),

-- of the orders with a known cost; what was paid, and so less any discount
costs_of_customers as (

    select
        orders.customer_id,
        cast(sum(orders.amount) as decimal(38, 4)) as amount,
        cast(sum(costs.cost) as decimal(38, 4)) as cost,
        count(*) as order_count,
    from orders
    inner join costs on costs.order_id = orders.order_id
    group by orders.customer_id

),

costs_of_all as (

    select
        cast(sum(cost) as double) / cast(nullif(sum(amount), 0) as double) as cost_share,
        cast(sum(amount) as double) / cast(nullif(sum(order_count), 0) as double) as mean_amount,
    from costs_of_customers

),

-- what is expected costs as much as what was bought; the fewer orders, the more it counts what others bought
cost_shares as (

    select
        customers.customer_id,
        coalesce(
            cast(costs_of_customers.cost as double) / cast(costs_of_customers.amount as double), costs_of_all.cost_share
        ) as past_share,
        (coalesce(cast(costs_of_customers.cost as double), 0e0) + costs_of_all.cost_share * costs_of_all.mean_amount)
        / cast(coalesce(costs_of_customers.amount, 0) + costs_of_all.mean_amount as double) as future_share,
    from customers
    left join costs_of_customers on costs_of_customers.customer_id = customers.customer_id
    cross join costs_of_all

),

valued as (

    select
        customers.customer_id,
        case
            when forecasts.status is not null then forecasts.status
            when coalesce(history.order_count, 0) = 0 then 'never_ordered'
            else 'not_scored'
        end as status,
        forecasts.p_alive,
        {%- for days in [90, 365] %}
        {%- for name in ['orders', 'spend'] %}
        forecasts.expected_{{ name }}_{{ days }}d,
        forecasts.expected_{{ name }}_{{ days }}d_lower,
        forecasts.expected_{{ name }}_{{ days }}d_upper,
        {%- endfor %}
        {%- endfor %}
        coalesce(history.order_count, 0) as historic_orders,
        cast(coalesce(history.revenue, 0) as decimal(38, 4)) as historic_revenue,
        cast(coalesce(history.revenue, 0) as double) * (1e0 - cost_shares.past_share) as historic_margin,
        forecasts.expected_spend_90d * (1e0 - cost_shares.future_share) as expected_margin_90d,
        forecasts.expected_spend_365d * (1e0 - cost_shares.future_share) as expected_margin_365d,
        cast(coalesce(history.revenue, 0) as double) + forecasts.expected_spend_365d as total_value,
        forecasts.value_model,
        forecasts.orders_model,
        forecasts.model_id,
    from customers
    left join history on history.customer_id = customers.customer_id
    left join forecasts on forecasts.customer_id = customers.customer_id
    left join cost_shares on cost_shares.customer_id = customers.customer_id

),

final as (

    select
        customer_id,
        {{ holdfast.as_of_date() }} as as_of_date,
        status,
        p_alive,
        {%- for days in [90, 365] %}
        {%- for name in ['orders', 'spend'] %}
        expected_{{ name }}_{{ days }}d,
        expected_{{ name }}_{{ days }}d_lower,
        expected_{{ name }}_{{ days }}d_upper,
        {%- endfor %}
        {%- endfor %}
        historic_orders,
        historic_revenue,
        historic_margin,
        expected_margin_90d,
        expected_margin_365d,
        total_value,
        case
            when total_value is not null
                then percent_rank() over (partition by total_value is not null order by total_value asc nulls last)
        end as value_percentile,
        value_model,
        orders_model,
        model_id,
    from valued

)

select * from final
