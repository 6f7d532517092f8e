{{ config(
    materialized='incremental',
    incremental_strategy='append',
    on_schema_change='append_new_columns',
    full_refresh=holdfast.setting('reset'),
) }}
-- what the features of each champion looked like in the rows it learned from; kept, for those rows leave the spine
with

final as (

    {% for task in holdfast.tasks() if holdfast.task(task).is_watched -%}
    select * from ({{ holdfast.champion_profile(task) }}) as {{ holdfast.quoted(task) }}
    {{ 'union all' if not loop.last }}
    {% endfor %}
)

select * from final
