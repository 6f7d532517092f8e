{% set windows = [30, 90, 180, 365] -%}
{#- over a short horizon it tells more on how many days somebody bought than how often -#}
{%- set windows_of_orders = holdfast.order_windows() -%}
{%- set of_days = {
    'purchase_days': {
        'sql': 'count(distinct cast(ordered_at as date))', 'where': 'amount > 0', 'empty': 0, 'windows': [7, 14, 28, 56],
    },
    'active_weeks': {
        'sql': "count(distinct date_trunc('week', ordered_at))", 'where': 'amount > 0', 'empty': 0, 'windows': [182],
    },
} if holdfast.setting('churn_horizon_days') < 84 else {} -%}
with

-- each purchase with the latest of those that were known when it became known
purchases as (

    select
        customer_id,
        ordered_at,
        greatest(ordered_at, loaded_at) as known_at,
        max(ordered_at) over (
            partition by customer_id
            order by greatest(ordered_at, loaded_at) asc nulls last, ordered_at asc nulls last, order_id asc nulls last
            rows between unbounded preceding and 1 preceding
        ) as previous_ordered_at,
    from {{ ref('holdfast', 'stg_holdfast__orders') }}
    where amount > 0

),

-- A gap is fixed when its purchase becomes known. An order that is loaded after later ones has no gap and splits none,
-- so loading it changes nothing that was known before; lag() over ordered_at would let it, and what was known in the
-- past could not be computed again. Gaps are whole days and only their sums are used: sums of whole numbers do not
-- depend on the order of rows.
purchase_gaps as (

    select
        customer_id,
        ordered_at,
        known_at,
        {{ holdfast.days_between('previous_ordered_at', 'ordered_at') }} as gap_days,
    from purchases
    where ordered_at >= previous_ordered_at

),

order_features as (

    {{ holdfast.feature_view(
        spine=ref('holdfast', 'holdfast__customer_spine'),
        events=ref('holdfast', 'stg_holdfast__orders'),
        event_at='ordered_at',
        known_at='loaded_at',
        windows=windows,
        features=dict({
            'order_count': {
                'sql': 'count(*)', 'where': 'amount > 0', 'empty': 0,
                'windows': windows_of_orders + ['30d offset 30d', '90d offset 90d', '90d offset 275d'],
            },
            'revenue': {
                'sql': 'sum(amount)', 'empty': 0,
                'windows': windows_of_orders + ['30d offset 30d', '90d offset 90d'],
            },
            'purchases': {
                'sql': 'sum(amount)', 'where': 'amount > 0', 'empty': 0,
                'windows': [30, 90, 365, '30d offset 30d', '90d offset 90d'],
            },
            'largest_order': {'sql': 'max(amount)', 'where': 'amount > 0'},
            'return_count': {'sql': 'count(*)', 'where': 'amount < 0', 'empty': 0},
            'discount': {'sql': 'sum(discount_amount)', 'windows': [365]},
            'weekend_orders': {
                'sql': 'count(*)', 'where': 'amount > 0 and isodow(ordered_at) >= 6', 'empty': 0, 'windows': [365],
            },
            'evening_orders': {
                'sql': 'count(*)', 'where': 'amount > 0 and hour(ordered_at) >= 18', 'empty': 0, 'windows': [365],
            },
            'active_months': {
                'sql': "count(distinct date_trunc('month', ordered_at))", 'where': 'amount > 0', 'empty': 0,
                'windows': [365],
            },
        }, **of_days),
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

gap_features as (

    {{ holdfast.feature_view(
        spine=ref('holdfast', 'holdfast__customer_spine'),
        events=api.Relation.create(identifier='purchase_gaps'),
        event_at='ordered_at',
        known_at='known_at',
        features={
            'recent_gaps': {'sql': 'count(gap_days)', 'empty': 0, 'windows': [180]},
            'recent_gap_days': {'sql': 'sum(gap_days)', 'windows': [180]},
        },
        lifetime={
            'gaps': {'sql': 'count(gap_days)', 'empty': 0},
            'gap_days': {'sql': 'sum(gap_days)'},
            'squared_gap_days': {'sql': 'sum(gap_days * gap_days)'},
        },
    ) | indent(4) }}

),

rhythm as (

    select
        order_features.*,
        {{ holdfast.days_between('order_features.first_order_at', 'order_features.as_of') }} as first_order_age_days,
        {{ holdfast.days_between('order_features.first_order_at', 'order_features.last_order_at') }}
        / cast(nullif(order_features.orders_lifetime - 1, 0) as double) as mean_order_gap_days,
        gap_features.gap_days / cast(nullif(gap_features.gaps, 0) as double) as mean_gap_days,
        gap_features.recent_gap_days_180d
        / cast(nullif(gap_features.recent_gaps_180d, 0) as double) as mean_order_gap_days_180d,
        -- n * sum of squares - square of the sum: whole numbers, never below zero
        sqrt(
            (gap_features.gaps * gap_features.squared_gap_days - gap_features.gap_days * gap_features.gap_days)
            / cast(nullif(gap_features.gaps * (gap_features.gaps - 1), 0) as double)
        ) as order_gap_std_days,
    from order_features
    inner join gap_features
        on gap_features.customer_id = order_features.customer_id
        and gap_features.as_of = order_features.as_of

),

final as (

    select
        {{ holdfast.all_but([
            'first_order_at',
            'last_order_at',
            'mean_gap_days',
            'order_count_30d_offset_30d',
            'order_count_90d_offset_90d',
            'order_count_90d_offset_275d',
            'revenue_30d_offset_30d',
            'revenue_90d_offset_90d',
            'purchases_30d',
            'purchases_90d',
            'purchases_365d',
            'purchases_30d_offset_30d',
            'purchases_90d_offset_90d',
            'weekend_orders_365d',
            'evening_orders_365d',
        ]) }},
        revenue_lifetime / cast(nullif(orders_lifetime, 0) as double) as average_order_value,
        purchases_90d / cast(nullif(order_count_90d, 0) as double) as average_order_90d,
        purchases_365d / cast(nullif(order_count_365d, 0) as double) as average_order_365d,
        discount_365d / cast(nullif(purchases_365d + discount_365d, 0) as double) as discount_share_365d,
        return_count_365d / cast(nullif(order_count_365d + return_count_365d, 0) as double) as return_share_365d,
        -- whoever came later had no such season
        case when first_order_age_days >= 365 then order_count_90d_offset_275d end as order_count_last_year_90d,
        order_count_30d - order_count_30d_offset_30d as order_count_trend_30d,
        order_count_90d - order_count_90d_offset_90d as order_count_trend_90d,
        revenue_30d - revenue_30d_offset_30d as revenue_trend_30d,
        revenue_90d - revenue_90d_offset_90d as revenue_trend_90d,
        -- shares rather than quotients: between 0 and 1 whatever came before, 0.5 is steady
        order_count_30d
        / cast(nullif(order_count_30d + order_count_30d_offset_30d, 0) as double) as order_count_recent_share_30d,
        order_count_90d
        / cast(nullif(order_count_90d + order_count_90d_offset_90d, 0) as double) as order_count_recent_share_90d,
        purchases_30d
        / cast(nullif(purchases_30d + purchases_30d_offset_30d, 0) as double) as spending_recent_share_30d,
        purchases_90d
        / cast(nullif(purchases_90d + purchases_90d_offset_90d, 0) as double) as spending_recent_share_90d,
        order_gap_std_days / cast(nullif(mean_gap_days, 0) as double) as order_gap_variation,
        mean_order_gap_days_180d / cast(nullif(mean_gap_days, 0) as double) as order_gap_change_180d,
        days_since_order / cast(nullif(mean_order_gap_days, 0) as double) as days_since_order_per_gap,
        weekend_orders_365d / cast(nullif(order_count_365d, 0) as double) as weekend_share_365d,
        evening_orders_365d / cast(nullif(order_count_365d, 0) as double) as evening_share_365d,
    from rhythm

)

select * from final
