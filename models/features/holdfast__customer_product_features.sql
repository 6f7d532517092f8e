{{ config(enabled=holdfast.has_input('order_items') and holdfast.has_input('products')) }}
with

-- What was bought: one row per product in an order, with the order's customer and time. A line is known when both it
-- and its order are loaded. New to the customer is the line of a product that became known first: a line that is
-- loaded late takes nothing away from those that were known before.
purchased_items as (

    select
        orders.customer_id,
        orders.order_id,
        orders.ordered_at,
        items.product_id,
        items.unit_price,
        cast(items.quantity as decimal(18, 4)) as quantity,
        products.category,
        products.is_replenishable,
        greatest(orders.ordered_at, orders.loaded_at, items.loaded_at) as known_at,
        row_number() over (
            partition by orders.customer_id, items.product_id
            order by
                greatest(orders.ordered_at, orders.loaded_at, items.loaded_at) asc nulls last,
                orders.ordered_at asc nulls last,
                orders.order_id asc nulls last
        ) = 1 as is_new_to_customer,
    from {{ ref('holdfast', 'stg_holdfast__order_items') }} as items
    inner join {{ ref('holdfast', 'stg_holdfast__orders') }} as orders on orders.order_id = items.order_id
    left join {{ ref('holdfast', 'stg_holdfast__products') }} as products on products.product_id = items.product_id
    where items.quantity > 0

),

item_features as (

    {{ holdfast.feature_view(
        spine=ref('holdfast', 'holdfast__customer_spine'),
        events=api.Relation.create(identifier='purchased_items'),
        event_at='ordered_at',
        known_at='known_at',
        windows=[90, 365],
        features={
            'product_count': {'sql': 'count(distinct product_id)', 'empty': 0},
            'product_category_count': {'sql': 'count(distinct category)', 'empty': 0},
            'lines': {'sql': 'count(unit_price)', 'empty': 0},
            'new_products': {'sql': 'count(*)', 'where': 'is_new_to_customer', 'empty': 0},
            'prices': {'sql': 'sum(unit_price)'},
            'categories': {'sql': 'histogram(category)', 'windows': [365]},
            'replenishable_lines': {'sql': 'count(*)', 'where': 'is_replenishable', 'empty': 0, 'windows': [365]},
            'classified_lines': {'sql': 'count(is_replenishable)', 'empty': 0, 'windows': [365]},
            'units': {'sql': 'sum(quantity)', 'windows': [365]},
            'orders': {'sql': 'count(distinct order_id)', 'empty': 0, 'windows': [365]},
        },
    ) | indent(4) }}

),

category_counts as (

    select
        *,
        map_values(categories_365d) as counts,
    from item_features

),

final as (

    select
        customer_id,
        as_of,
        product_count_90d,
        product_count_365d,
        product_category_count_90d,
        product_category_count_365d,
        list_max(counts) / cast(nullif(list_sum(counts), 0) as double) as product_top_category_share_365d,
        -- Herfindahl: the sum of squared shares
        list_inner_product(cast(counts as double[]), cast(counts as double[]))
        / cast(nullif(list_sum(counts) * list_sum(counts), 0) as double) as product_category_concentration_365d,
        new_products_90d / cast(nullif(product_count_90d, 0) as double) as product_new_share_90d,
        new_products_365d / cast(nullif(product_count_365d, 0) as double) as product_new_share_365d,
        replenishable_lines_365d / cast(nullif(classified_lines_365d, 0) as double) as product_replenishable_share_365d,
        prices_90d / cast(nullif(lines_90d, 0) as double) as product_mean_price_90d,
        prices_365d / cast(nullif(lines_365d, 0) as double) as product_mean_price_365d,
        units_365d / cast(nullif(orders_365d, 0) as double) as product_units_per_order_365d,
    from category_counts

)

select * from final
