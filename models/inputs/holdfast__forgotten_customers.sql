{{ config(
    materialized='incremental',
    incremental_strategy='append',
    on_schema_change='append_new_columns',
    full_refresh=false,
) }}
-- `holdfast forget` writes it and a build only makes it; no flag and no reset empties it
select cast(null as varchar) as customer_id
where 1 = 0
