{{ config(materialized='table') }}
-- what the champion sees of each customer now: its features and no others, none that is personal
{% set task = holdfast.task('churn') -%}
{% set registry = holdfast.task_step(task, 'model') -%}
{% set features = holdfast.task_features(task) -%}
{% set champion = holdfast.champion(registry) -%}
{% set personal = holdfast.personal_features() -%}
{#- sqlfluff cannot place a loop that is empty, as this one is without a champion #}
-- noqa: disable=LT02
with

final as (

    select
        customer_id,
        cast(as_of as date) as as_of_date,
        cast({{ holdfast.text(champion.model_id) if champion else 'null' }} as varchar) as model_id,
        {%- for name in (champion.feature_names if champion else []) if name | lower not in personal %}
        {{ holdfast.quoted(name) }},
        {%- endfor %}
    from {{ features }}
    where as_of = {{ holdfast.scoring_as_of() }}

)

select * from final
