{{ config(materialized='table') }}
-- what if each scored customer ordered today? The champion's answer, from the features that they would have then
-- depends_on: {{ ref('holdfast', 'holdfast__customer_features') }}
{% set task = holdfast.task('churn') -%}
{% set registry = holdfast.task_step(task, 'model') -%}
{% set champion = holdfast.champion(registry) -%}
{#- called without a champion, too, so that dbt sees what it reads -#}
{% set after_order = holdfast.features_after_order(champion.feature_names if champion else []) -%}
{#- features of another table are not made of the shipped views, and nobody knows how an order would move them -#}
{% set is_asked = champion and task.features == 'customer_features' -%}
with

scores as (

    select
        customer_id,
        as_of,
        as_of_date,
        model_id,
        churn_probability,
    from {{ ref('holdfast', 'holdfast__churn_scores') }}
    where
        as_of = {{ holdfast.scoring_as_of() }}
        and status = 'scored'

),

{% if is_asked -%}
moments as (

    select
        customer_id,
        as_of,
    from scores

),

{{ after_order }}

asked as (

    select
        features_after_order.customer_id,
        cast(usual_orders.amount as decimal(38, 4)) as order_amount,
        cast(
            {{ holdfast.call_model('predict', registry, champion.model_id, holdfast._quoted(champion.feature_names)) }}
            as double
        ) as churn_probability_after_order, -- noqa: LT05
    from features_after_order
    -- whose purchases are not there, such as a subscriber's, has no usual order
    inner join usual_orders on usual_orders.customer_id = features_after_order.customer_id

),
{%- else -%}
asked as (

    select
        customer_id,
        cast(null as decimal(38, 4)) as order_amount,
        cast(null as double) as churn_probability_after_order,
    from scores

),
{%- endif %}

final as (

    select
        scores.customer_id,
        scores.as_of_date,
        scores.model_id,
        asked.order_amount,
        scores.churn_probability,
        asked.churn_probability_after_order,
        asked.churn_probability_after_order - scores.churn_probability as change,
    from scores
    left join asked on asked.customer_id = scores.customer_id

)

select * from final
