{#- The intervals of a customer's states touch: each ends where the next begins, in the state that it names, and one is open. -#}
{% test states_follow_each_other(model) %}

with

followed as (

    select
        *,
        row_number() over states as place,
        lead(entered_at) over states as next_entered_at,
        lead(state) over states as following_state,
    from {{ model }}
    window states as (
        partition by churn_definition, customer_id
        order by entered_at asc nulls last, left_at asc nulls last
    )

)

select *
from followed
where
    left_at is distinct from next_entered_at
    or next_state is distinct from following_state
    or next_state = state
    or left_at < entered_at
    or (state in ('never_ordered', 'new') and place > 2)

{% endtest %}
