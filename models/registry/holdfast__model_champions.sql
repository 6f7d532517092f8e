{{ config(
    materialized='incremental',
    incremental_strategy='append',
    on_schema_change='append_new_columns',
    full_refresh=holdfast.setting('reset'),
) }}
-- who was champion from when: a row whenever a build finds another champion than the last one noted
with

champions as (

    select
        task,
        model_id,
    from {{ ref('holdfast', 'holdfast__model_registry') }}
    where stage = 'champion'

),

{% if is_incremental() -%}
noted as (

    select
        task,
        {{ holdfast.value_at_max('model_id', 'champion_from') }} as model_id,
    from {{ this }}
    group by task

),

{% endif -%}
final as (

    select
        champions.task,
        champions.model_id,
        cast({{ holdfast.as_utc(dbt.current_timestamp()) }} as timestamp) as champion_from,
        'build' as changed_by,
    from champions
    {% if is_incremental() -%}
    left join noted on noted.task = champions.task
    where noted.model_id is distinct from champions.model_id
    {%- endif %}

)

select * from final
