{{ config(materialized='table', enabled=holdfast.has_system('recommendations')) }}
-- how each candidate of the as-of date scores: by the model, and by a fixed blend where there is none
{% set task = holdfast.task('recommendation') -%}
{% set candidates %}(
        select *
        from {{ ref('holdfast', 'holdfast__recommendation_candidates') }} as all_candidates
        where all_candidates.as_of = {{ holdfast.scoring_as_of() }}
    ){% endset -%}
with

predicted as (

    select
        candidates.*,
        {%- if not task.enabled %}
        cast(null as varchar) as model_id,
        cast(null as double) as recommendation_probability,
        {%- endif %}
    from {{ holdfast.predict('recommendation', candidates) if task.enabled else candidates }} as candidates

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
