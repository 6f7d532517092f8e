{{ config(enabled=holdfast.has_system('offers')) }}
-- whom the policy decides about, who gets an action at random, and which
{% set as_of = 'cast(' ~ holdfast.as_of_date() ~ ' as timestamp)' -%}
with

customers as (

    {{ holdfast.all_customers() | indent(4) }}

),

-- the random draw comes before the choice and does not depend on it
actions as (

    select
        customer_id,
        'leave_alone' as action,
        cast(null as varchar) as channel,
        true as is_chosen,
    from customers

    union all

    select
        customer_id,
        action,
        channel,
        false as is_chosen,
    from {{ ref('holdfast', 'holdfast__offer_candidates') }}
    where is_in_trial

),

final as (

    select
        customer_id,
        cast(arm as varchar) as arm,
        cast(case when arm = 'random' then action end as varchar) as drawn_action,
        action_count,
    from (
        {{ holdfast.policy_arms('actions', as_of, 'offers') | indent(8) }}
    ) as arms

)

select * from final
