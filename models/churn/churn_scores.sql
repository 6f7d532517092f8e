{{ config(
    materialized='incremental',
    unique_key='as_of',
    on_schema_change='append_new_columns',
    full_refresh=holdfast.setting('reset'),
) }}
-- one score per active customer at the build's as-of date; a build rewrites its own date and keeps all others
{% set registry = ref('churn_model') -%}
{% set features = ref('customer_features') -%}
{% set scoring_as_of = holdfast.scoring_as_of() -%}
{% set champion = holdfast.champion(registry) -%}
{% set probability = holdfast.predict(registry, champion, features) if champion else 'null' -%}
{% set bands = holdfast.setting('risk_bands') -%}
with

latest as (

    select
        *,
        {{ holdfast.has_enough_history('features') }} as has_enough_history,
    from {{ features }} as features
    where as_of = {{ scoring_as_of }}

),

scored as (

    select
        customer_id,
        cast({{ probability }} as double) as churn_probability,
    from latest
    where has_enough_history

),

reasons as (

    select
        customer_id,
        max(reason) filter (where rank = 1) as reason_1,
        max(reason) filter (where rank = 2) as reason_2,
        max(reason) filter (where rank = 3) as reason_3,
    from {{ ref('churn_reasons') }}
    group by customer_id

),

ranked as (

    select
        *,
        percent_rank() over (order by churn_probability) as churn_percentile,
    from scored

),

final as (

    select
        latest.customer_id,
        latest.as_of,
        cast(latest.as_of as date) as as_of_date,
        cast({{ "'" ~ champion.model_id ~ "'" if champion else 'null' }} as varchar) as model_id,
        case
            when not latest.has_enough_history then 'not_enough_history'
            {%- if not champion %}
            else 'no_model'
            {%- else %}
            else 'scored'
            {%- endif %}
        end as status,
        ranked.churn_probability,
        case when ranked.churn_probability is not null then ranked.churn_percentile end as churn_percentile,
        case
            when ranked.churn_probability >= {{ bands.high }} then 'high'
            when ranked.churn_probability >= {{ bands.medium }} then 'medium'
            when ranked.churn_probability is not null then 'low'
        end as risk_band,
        reasons.reason_1,
        reasons.reason_2,
        reasons.reason_3,
        cast({{ dbt.current_timestamp() }} at time zone 'UTC' as timestamp) as scored_at,
    from latest
    left join ranked on ranked.customer_id = latest.customer_id
    left join reasons on reasons.customer_id = latest.customer_id

)

select * from final
