{{ config(enabled=holdfast.has_system('service'), materialized='view') }}
-- what customers wrote: tickets, and comments of survey answers, as known at the as-of date
{% set as_of = 'cast(' ~ holdfast.as_of_date() ~ ' as timestamp)' -%}
{% set times = holdfast.event_times() -%}
with

tickets as (

    select
        cast(ticket_id as varchar) as text_id,
        customer_id,
        opened_at as written_at,
        body,
    from {{ holdfast.as_known_at(
        ref('holdfast', 'stg_holdfast__support_tickets'), times['stg_holdfast__support_tickets'], as_of
    ) }} as tickets

),

-- an answer has no id of its own, and a customer may answer twice in a moment
comments as (

    select
        md5(
            cast(customer_id as varchar) || ':' || cast(answered_at as varchar) || ':' || cast(row_number() over (
                partition by customer_id, answered_at order by comment asc nulls last, score asc nulls last
            ) as varchar)
        ) as text_id,
        customer_id,
        answered_at as written_at,
        comment as body,
    from {{ holdfast.as_known_at(
        ref('holdfast', 'stg_holdfast__feedback'), times['stg_holdfast__feedback'], as_of
    ) }} as answers
    where
        trim(comment) != ''
        and customer_id is not null

),

final as (

    select
        'ticket' as source,
        *,
    from tickets

    union all

    select
        'feedback' as source,
        *,
    from comments

)

select * from final
