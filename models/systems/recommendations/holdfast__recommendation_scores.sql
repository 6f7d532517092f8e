{{ config(materialized='table', enabled=holdfast.has_system('recommendations')) }}
-- how each candidate of the as-of date scores: by the model, and by a fixed blend where there is none
{% set task = holdfast.task('recommendation') -%}
{#- as text: `predict` reads the candidates of the as-of date alone -#}
{% set candidates = '(select * from ' ~ ref('holdfast', 'holdfast__recommendation_candidates')
    ~ ' as all_candidates where all_candidates.as_of = ' ~ holdfast.scoring_as_of() ~ ')' -%}
{% set unscored = '(select *, cast(null as varchar) as model_id, cast(null as double) as recommendation_probability'
    ~ ' from ' ~ candidates ~ ' as candidates)' -%}
with

predicted as (

    select *
    from {{ holdfast.predict('recommendation', candidates) if task.enabled else unscored }} as scored_candidates

),

final as (

    select
        customer_id,
        product_id,
        as_of,
        model_id,
        recommendation_probability,
        {{ holdfast.recommendation_blend() }} as blend_score,
        -- a model never saw whom it cannot learn from: customers without an order
        case
            when recommendation_probability is not null and orders_lifetime > 0 then 'model'
            else 'blend'
        end as score_source,
    from predicted

)

select * from final
