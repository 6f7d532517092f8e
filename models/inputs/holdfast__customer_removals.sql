{{ config(
    materialized='incremental',
    incremental_strategy='append',
    on_schema_change='append_new_columns',
    full_refresh=false,
) }}
-- `holdfast forget` writes it and a build only makes it
select
    cast(null as timestamp) as removed_at,
    cast(null as varchar) as table_name,
    cast(null as bigint) as row_count,
    cast(null as bigint) as customer_count,
where 1 = 0
