with

order_features as (

    {{ holdfast.feature_view(
        spine=ref('customer_spine'),
        events=ref('stg_orders'),
        event_at='ordered_at',
        windows=[30, 90, 180, 365],
        features={
            'order_count': {'sql': 'count(*)', 'where': 'amount > 0', 'empty': 0},
            'revenue': {'sql': 'sum(amount)', 'empty': 0},
            'largest_order': {'sql': 'max(amount)', 'where': 'amount > 0'},
            'return_count': {'sql': 'count(*)', 'where': 'amount < 0', 'empty': 0},
            'discount': {'sql': 'sum(discount_amount)', 'windows': [365]},
        },
        lifetime={
            'orders_lifetime': {'sql': 'count(*)', 'where': 'amount > 0', 'empty': 0},
            'revenue_lifetime': {'sql': 'sum(amount)', 'empty': 0},
            'first_order_at': {'sql': 'min(ordered_at)', 'where': 'amount > 0'},
            'last_order_at': {'sql': 'max(ordered_at)', 'where': 'amount > 0'},
        },
        recency={
            'days_since_order': {'at': 'ordered_at', 'where': 'amount > 0'},
        },
    ) | indent(4) }}

),

rhythm as (

    select
        *,
        {{ holdfast.days_between('first_order_at', 'as_of') }} as first_order_age_days,
        {{ holdfast.days_between('first_order_at', 'last_order_at') }}
        / nullif(orders_lifetime - 1, 0) as mean_order_gap_days,
    from order_features

),

final as (

    select
        * exclude (first_order_at, last_order_at),
        revenue_lifetime / nullif(orders_lifetime, 0) as average_order_value,
        discount_365d / nullif(revenue_365d + discount_365d, 0) as discount_share_365d,
        order_count_90d - (order_count_180d - order_count_90d) as order_count_trend_90d,
        days_since_order / nullif(mean_order_gap_days, 0) as days_since_order_per_gap,
    from rhythm

)

select * from final
