{{ config(enabled=holdfast.has_system('decisions')) }}
-- nothing leaves that a person has to approve and nobody has: neither by the list, nor past it
with

decisions as (

    select * from {{ ref('holdfast', 'holdfast__decisions') }}

),

final as (

    select
        decision_id,
        customer_id,
        'sent without approval' as problem,
    from decisions
    where
        status = 'sent'
        and not is_control
        and (
            verdict = 'veto'
            or (needs_review and not has_approval)
            or (proposed_action = 'leave_alone' and not has_override)
            or arm = 'holdout'
        )

    {#- a build of a part may have no list #}
    {% if not execute or holdfast.exists(ref('holdfast', 'holdfast__contact_list')) -%}
    union all

    select
        listed.decision_id,
        listed.customer_id,
        'on the contact list without approval' as problem,
    from {{ ref('holdfast', 'holdfast__contact_list') }} as listed
    left join decisions on decisions.decision_id = listed.decision_id
    where
        decisions.status is null
        or decisions.status <> 'approved'
        or (decisions.needs_review and not decisions.has_approval)
    {%- endif %}

)

select * from final
