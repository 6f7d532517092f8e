{{ config(enabled=holdfast.has_system('decisions')) }}
-- whom to contact now, and no more about them than sending takes
with

decisions as (

    select * from {{ ref('holdfast', 'holdfast__decisions') }}

),

final as (

    select
        decisions.decision_id,
        decisions.customer_id,
        decisions.as_of_date,
        decisions.system,
        decisions.action,
        decisions.channel,
        decisions.offer_id,
        coalesce(decisions.offer_name, decisions.action) as offer_name,
        decisions.variant,
        decisions.send_at,
        decisions.reason,
        decisions.expires_at,
        decisions.propensity,
        -- list prices are the same for everybody; a discount for chosen customers is a price of their own
        coalesce(offers.discount > 0, false) as disclosure_needed,
    from decisions
    left join {{ ref('holdfast', 'stg_holdfast__offers') }} as offers on offers.offer_id = decisions.offer_id
    where
        decisions.status = 'approved'
        and decisions.held_because is null

)

select * from final
