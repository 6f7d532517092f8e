{{ config(enabled=holdfast.has_system('service')) }}
-- what people have said of support topics
with

rules as (

    {{ holdfast.topic_rules() | indent(4) }}

),

final as (

    select
        topic_id,
        action,
        case when action != 'pin' then value end as value,
    from rules

)

select * from final
