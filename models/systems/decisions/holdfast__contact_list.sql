{{ config(enabled=holdfast.has_system('decisions')) }}
-- whom to contact now, and no more about them than sending takes
with

decisions as (

    select * from {{ ref('holdfast', 'holdfast__decisions') }}

),

final as (

    select
        decision_id,
        customer_id,
        as_of_date,
        system,
        action,
        channel,
        offer_id,
        coalesce(offer_name, action) as offer_name,
        variant,
        send_at,
        reason,
        expires_at,
        propensity,
    from decisions
    where
        status = 'approved'
        and held_because is null

)

select * from final
