{{ config(materialized='table', enabled=holdfast.has_system('recommendations')) }}
-- what customers bought in the four weeks after the dates at which recommendations are judged
{% set horizon_days = holdfast.task('recommendation').horizon_days -%}
{#- from then on the model in use has seen nothing; while there is none, no date was seen -#}
{% set test_from = holdfast.evaluated_model('recommendation').test_from or '1900-01-01' -%}
{% set dates = 2 -%}
with

sampled as (

    select
        customer_id,
        as_of,
        dense_rank() over (order by as_of desc nulls last) as place,
    from {{ ref('holdfast', 'holdfast__recommendation_customers') }}
    where
        is_sampled
        and as_of >= cast({{ holdfast.text(test_from) }} as timestamp)

),

purchases as (

    select *
    from {{ ref('holdfast', 'holdfast__recommendation_purchases') }}

),

bought as (

    select distinct
        sampled.as_of,
        sampled.customer_id,
        purchases.product_id,
    from sampled
    inner join purchases
        on purchases.customer_id = sampled.customer_id
        and purchases.ordered_at >= sampled.as_of
        and purchases.ordered_at < sampled.as_of + interval {{ horizon_days }} day
    where sampled.place <= {{ dates }}

),

bought_before as (

    select distinct
        bought.as_of,
        bought.customer_id,
        bought.product_id,
    from bought
    inner join purchases
        on purchases.customer_id = bought.customer_id
        and purchases.product_id = bought.product_id
        and purchases.known_at < bought.as_of

),

final as (

    select
        bought.as_of,
        bought.customer_id,
        bought.product_id,
        bought_before.product_id is not null as is_repeat,
    from bought
    left join bought_before
        on bought_before.as_of = bought.as_of
        and bought_before.customer_id = bought.customer_id
        and bought_before.product_id = bought.product_id

)

select * from final
