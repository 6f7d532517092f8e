{{ config(materialized='table', enabled=holdfast.has_system('recommendations')) }}
-- how good the lists are, on four weeks that the model in use had not seen, beside simple lists
{% set evaluated = holdfast.evaluated_model('recommendation') -%}
{% set candidates = ref('holdfast', 'holdfast__recommendation_candidates') -%}
{% set later = ref('holdfast', 'holdfast__recommendation_later_purchases') -%}
{% set length = 10 -%}
with

truth as (

    select
        'top' as list,
        as_of,
        customer_id,
        product_id,
    from {{ later }}

    union all

    select
        case when is_repeat then 'repeat' else 'explore' end as list,
        as_of,
        customer_id,
        product_id,
    from {{ later }}

),

judged as (

    select distinct
        as_of,
        customer_id,
    from {{ later }}

),

dates as (

    select distinct as_of
    from judged

),

candidates as (

    select
        candidates.*,
        {{ holdfast.recommendation_blend() }} as blend_score,
        coalesce(products.product_name, cast(candidates.product_id as varchar)) as product_name,
        products.category,
        products.is_replenishable,
    from {{ holdfast.predict(
        'recommendation', '(select * from ' ~ candidates ~ ' where as_of in (select as_of from ' ~ later ~ '))', evaluated.model_id,
    ) }} as candidates
    inner join judged
        on judged.as_of = candidates.as_of
        and judged.customer_id = candidates.customer_id
    left join {{ ref('holdfast', 'stg_holdfast__products') }} as products on products.product_id = candidates.product_id

),

-- the lists as product_recommendations makes them, by the model and by the blend that stands in for one
{% set scores = {evaluated.algorithm or 'no_model': 'recommendation_probability', 'fixed_blend': 'blend_score'} -%}
{% for algorithm, score in scores.items() -%}
scored_{{ loop.index }} as (

    select
        *,
        {{ score }} as score,
    from candidates
    where {{ score }} is not null

),

ranked_{{ loop.index }} as (

    {{ holdfast.recommendation_lists('scored_' ~ loop.index) | indent(4) }}

),

{% endfor -%}
lists as (

    {% for algorithm in scores -%}
    select
        {{ holdfast.text(algorithm) }} as algorithm,
        list,
        as_of,
        customer_id,
        product_id,
        cast(rank as integer) as rank,
    from ranked_{{ loop.index }}
    where rank <= {{ length }}

    union all

    {% endfor -%}
    select
        algorithm,
        list,
        as_of,
        customer_id,
        product_id,
        rank,
    from {{ ref('holdfast', 'holdfast__recommendation_baselines') }}
    where rank <= {{ length }}

),

measured as (

    select *
    from (
        {{ holdfast.ranking_metrics('lists', 'truth', length) | indent(8) }}
    ) as metrics

),

on_sale as (

    select
        dates.as_of,
        count(distinct purchases.product_id) as products,
    from dates
    inner join {{ ref('holdfast', 'holdfast__recommendation_purchases') }} as purchases
        on purchases.known_at < dates.as_of
        and purchases.ordered_at >= dates.as_of - interval 365 day
    group by dates.as_of

),

coverage as (

    select
        lists.algorithm,
        lists.list,
        lists.as_of,
        'catalogue_coverage' as metric,
        count(distinct lists.product_id) / cast(max(on_sale.products) as double) as value,
        cast(null as double) as lower,
        cast(null as double) as upper,
        count(distinct lists.customer_id) as row_count,
    from lists
    inner join on_sale on on_sale.as_of = lists.as_of
    group by lists.algorithm, lists.list, lists.as_of

),

-- of today's lists: whom nothing of their own speaks for
fallback as (

    select
        {{ holdfast.text(evaluated.algorithm or 'fixed_blend') }} as algorithm,
        list,
        max(as_of) as as_of,
        'share_with_fallback' as metric,
        avg(case when is_fallback then 1e0 else 0e0 end) as value,
        cast(null as double) as lower,
        cast(null as double) as upper,
        count(*) as row_count,
    from (
        select
            list,
            customer_id,
            cast(max(as_of_date) as timestamp) as as_of,
            count(*) filter (where status = 'personal') = 0 as is_fallback,
        from {{ ref('holdfast', 'holdfast__product_recommendations') }}
        group by list, customer_id
    ) as customers
    group by list

),

final as (

    select
        'product_recommendations' as task,
        algorithm,
        case
            when algorithm = {{ holdfast.text(evaluated.algorithm or 'fixed_blend') }} then 'in_use'
            else 'baseline'
        end as stage,
        'test' as split,
        as_of,
        case when list <> 'top' then 'list: ' || list end as segment,
        metric,
        value,
        lower,
        upper,
        cast(row_count as bigint) as row_count,
    from (
        select * from measured
        union all
        select * from coverage
        union all
        select * from fallback
    ) as figures

)

select * from final
