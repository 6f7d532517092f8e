{{ config(enabled=holdfast.has_system('offers'), materialized='view') }}
-- what the training of the models of offers is told, which cannot ask a macro
select
    {{ holdfast.as_of_date() }} as as_of_date,
    cast({{ holdfast.setting('response_days') }} as bigint) as response_days,
    cast({{ holdfast.setting('contact_cost') }} as double) as contact_cost,
    cast({{ holdfast.setting('retrain') | lower }} as boolean) as is_forced,
    cast({{ holdfast.setting('retrain_after_days') }} as bigint) as retrain_after_days
