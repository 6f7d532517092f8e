-- the table that people read shows the scores of its day as they are; without them no customer would seem at risk
{% set own = 'model.holdfast.holdfast__' -%}
{#- scores that are made before the mart, by an invocation of their own, are no fault of either -#}
{% set is_to_come = flags.WHICH == 'build' and own ~ 'churn_scores' in selected_resources
    and own ~ 'customer_retention' not in selected_resources -%}
{%- set mart = ref('holdfast', 'holdfast__customer_retention') -%}
{%- set moment = '(select cast(max(as_of_date) as timestamp) from ' ~ mart ~ ')' -%}
{%- if var('holdfast_spine', none) is not none -%}
    {%- set moment = holdfast.scoring_as_of() -%}
{%- endif %}
with

shown as (

    select
        customer_id,
        status,
        model_id,
        churn_probability,
        churn_percentile,
        risk_band,
        scored_at,
    from {{ mart }}

),

scores as (

    select
        customer_id,
        status,
        model_id,
        churn_probability,
        churn_percentile,
        -- which only those have in the mart who can still be kept
        case when customer_id in (select customer_id from {{ mart }} where is_keepable) then risk_band end as risk_band,
        scored_at,
    from {{ ref('holdfast', 'holdfast__churn_scores') }}
    where as_of = {{ moment }}

),

missing as (

    select * from scores

    except

    select * from shown

),

problems as (

    select
        customer_id,
        'the mart does not show this score' as problem,
    from missing

    union all

    select
        customer_id,
        'the mart shows what churn_scores does not hold' as problem,
    from shown
    where
        (model_id is not null or churn_probability is not null)
        and customer_id not in (select customer_id from scores)

    union all

    select
        customer_id,
        'no customer is scored; build holdfast__churn_scores and what leads to it' as problem,
    from shown
    where
        status = 'not_scored'
        and not exists (select 1 from scores)

),

final as (

    select * from problems
    where {{ 'false' if is_to_come else 'true' }}

)

select * from final
