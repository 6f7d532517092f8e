{{ config(materialized='table', enabled=holdfast.has_system('recommendations')) }}
-- what to recommend to each customer: to buy again, to discover, and both in one list
{% set length = 10 -%}
with

products as (

    select * from {{ ref('holdfast', 'holdfast__recommendation_products') }}
    where as_of = {{ holdfast.scoring_as_of() }}

),

described as (

    select * from {{ ref('holdfast', 'stg_holdfast__products') }}

),

customers as (

    select * from {{ ref('holdfast', 'holdfast__recommendation_customers') }}
    where as_of = {{ holdfast.scoring_as_of() }}

),

candidates as (

    select
        candidates.*,
        scores.model_id,
        scores.score_source,
        case when scores.score_source = 'model' then scores.recommendation_probability end as probability,
        case when scores.score_source = 'model' then scores.recommendation_probability else scores.blend_score end as score,
        coalesce(described.product_name, cast(candidates.product_id as varchar)) as product_name,
        described.category,
        customers.segment,
        described.is_replenishable,
    from {{ ref('holdfast', 'holdfast__recommendation_candidates') }} as candidates
    inner join {{ ref('holdfast', 'holdfast__recommendation_scores') }} as scores
        on scores.customer_id = candidates.customer_id
        and scores.product_id = candidates.product_id
        and scores.as_of = candidates.as_of
    inner join customers on customers.customer_id = candidates.customer_id
    left join products on products.product_id = candidates.product_id
    left join described on described.product_id = candidates.product_id
    where coalesce(products.is_offered, coalesce(described.is_available, true))

),

ranked as (

    {{ holdfast.recommendation_lists('candidates') | indent(4) }}

),

shown as (

    select
        ranked.*,
        case
            when ranked.carts_7d > 0 then 'cart'
            when ranked.times_bought >= 3 and ranked.share_of_usual_gap >= 0.5e0 then 'rhythm'
            when ranked.times_bought > 0 then 'repeat'
            when ranked.views_7d > 0 then 'viewed'
            when ranked.with_product_share >= 0.1e0 then 'bought_with'
            when ranked.neighbours_who_bought >= 2 then 'neighbours'
            when ranked.category_share >= 0.3e0 then 'category'
            when ranked.orders_lifetime > 0 and ranked.segment_share_28d >= ranked.buyer_share_28d then 'popular_segment'
            when ranked.co_bought > 0 then 'bought_with'
            else 'popular'
        end as source,
        coalesce(with_described.product_name, cast(ranked.with_product_id as varchar)) as with_product_name,
        with_described.category as with_category,
        with_products.product_price as with_product_price,
    from ranked
    left join described as with_described on with_described.product_id = ranked.with_product_id
    left join products as with_products on with_products.product_id = ranked.with_product_id
    where ranked.rank <= {{ length }}

),

final as (

    select
        customer_id,
        list,
        cast(rank as integer) as rank,
        product_id,
        product_name,
        category,
        score,
        probability,
        score_source,
        source,
        case
            when source in ('cart', 'viewed') and orders_lifetime = 0 then 'from_views'
            when source = 'popular_segment' then 'popular_in_segment'
            when source = 'popular' then 'popular'
            else 'personal'
        end as status,
        -- from a category that the customer does not buy from, or a dearer one of the same category
        not is_repeat and orders_lifetime > 0 and category is not null and category_share is null as is_cross_sell,
        coalesce(
            not is_repeat and category = with_category and product_price > 1.2e0 * with_product_price, false
        ) as is_up_sell,
        {{ holdfast.recommendation_reason({
            'source': 'source', 'times_bought': 'times_bought', 'days_since_bought': 'days_since_bought',
            'usual_gap_days': 'usual_gap_days', 'carts_7d': 'carts_7d', 'views_7d': 'views_7d', 'product': 'with_product_name',
            'share': 'with_product_share', 'category': 'category', 'category_share': 'category_share', 'segment': 'segment',
            'neighbours_who_bought': 'neighbours_who_bought', 'neighbours': 'neighbours_asked',
        }) }} as reason,
        cast(times_bought as bigint) as times_bought,
        cast(days_since_bought as bigint) as days_since_bought,
        cast(usual_gap_days as double) as usual_gap_days,
        with_product_id,
        cast(with_product_share as double) as with_product_share,
        cast(views_7d as bigint) as views_7d,
        cast(carts_7d as bigint) as carts_7d,
        cast(as_of as date) as as_of_date,
    from shown

)

select * from final
