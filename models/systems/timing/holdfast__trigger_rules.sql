{{ config(enabled=holdfast.has_system('timing')) }}
-- which triggers there are, which comes first, and how often each may fire
with

rules as (

    {{ holdfast.trigger_rules() | indent(4) }}

),

final as (

    select
        cast(trigger_name as varchar) as trigger,
        cast(is_enabled as boolean) as is_enabled,
        priority,
        expires_days,
        period_days,
        threshold,
        excluded_by,
    from rules

)

select * from final
