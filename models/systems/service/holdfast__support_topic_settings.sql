{{ config(enabled=holdfast.has_system('service'), materialized='view') }}
-- what the learning of support topics is told, which cannot ask a macro
{% set topics = holdfast.setting('support_topics') -%}
select
    {{ holdfast.as_of_date() }} as as_of_date,
    cast({{ 'null' if topics is none else topics }} as bigint) as topics,
    cast({{ holdfast.setting('least_group') }} as bigint) as least_group,
    cast({{ holdfast.setting('seed') }} as bigint) as seed,
    cast({{ holdfast.setting('retrain') | lower }} as boolean) as is_forced,
    cast({{ holdfast.setting('retrain_after_days') }} as bigint) as retrain_after_days
