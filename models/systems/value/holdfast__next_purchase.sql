-- when every customer's next order is due, by what the silence so far still allows
{% set as_of = 'cast(' ~ holdfast.as_of_date() ~ ' as timestamp)' -%}
{% set messages = holdfast.language().next_purchase -%}
{% set columns = {
    'earliest': 'earliest_in_days', 'expected': 'expected_in_days', 'latest': 'latest_in_days', 'overdue_days': 'overdue_days',
    'p_alive': 'p_alive', 'days_since_order': 'days_since_order',
} -%}
with

moments as (

    select {{ as_of }} as as_of

),

dated as (

    {{ holdfast.next_order_dates('moments') }}

),

lifecycle as (

    select *
    from {{ ref('holdfast', 'holdfast__customer_lifecycle') }}
    where
        left_at is null
        and churn_definition = 'non_contractual'

),

customers as (

    {{ holdfast.all_customers() | indent(4) }}

),

-- from where customer_value has it; what else that table needs is not needed here
alive as (

    select
        customer_id,
        p_alive,
    from {{ ref('holdfast', 'holdfast__btyd_scores') }}
    where role = 'scoring'

),

joined as (

    select
        customers.customer_id,
        {{ as_of }} as as_of,
        case
            when dated.customer_id is null then 'never_ordered'
            when lifecycle.state = 'slipping' then 'overdue'
            else coalesce(lifecycle.state, 'never_ordered')
        end as state,
        alive.p_alive,
        lifecycle.usual_gap_days,
        dated.days_since_order,
        coalesce(dated.gap_count, 0) as gap_count,
        {{ holdfast.days_between(
            'cast(lifecycle.expected_next_order_at as date)', 'cast(' ~ as_of ~ ' as date)'
        ) }} as late_days,
        dated.earliest_in_days,
        dated.expected_in_days,
        dated.latest_in_days,
    from customers
    left join alive on alive.customer_id = customers.customer_id
    left join lifecycle on lifecycle.customer_id = customers.customer_id
    left join dated on dated.customer_id = customers.customer_id

),

told as (

    select
        customer_id,
        as_of,
        state,
        case
            when state in ('never_ordered', 'lapsed') then state
            when expected_in_days is null then 'not_enough_history'
            else 'expected'
        end as status,
        p_alive,
        usual_gap_days,
        days_since_order,
        gap_count,
        case
            when state = 'overdue' then greatest(late_days, 0)
            when state in ('new', 'on_rhythm') then 0
        end as overdue_days,
        {%- for name in ['earliest', 'expected', 'latest'] %}
        case when state not in ('never_ordered', 'lapsed') then {{ name }}_in_days end as {{ name }}_in_days,
        {%- endfor %}
    from joined

),

final as (

    select
        customer_id,
        {{ holdfast.as_of_date() }} as as_of_date,
        cast(state as varchar) as state,
        cast(status as varchar) as status,
        {{ holdfast.plus_days('as_of', 'expected_in_days') }} as expected_next_order_at,
        {{ holdfast.plus_days('as_of', 'earliest_in_days') }} as earliest_at,
        {{ holdfast.plus_days('as_of', 'latest_in_days') }} as latest_at,
        cast(overdue_days as bigint) as overdue_days,
        p_alive,
        usual_gap_days,
        cast(days_since_order as bigint) as days_since_order,
        cast(gap_count as bigint) as gap_count,
        cast(case
            {%- for name, condition in [
                ('overdue_alive', "state = 'overdue'"), ('overdue', "state = 'overdue'"),
                ('lapsed_alive', "state = 'lapsed'"), ('lapsed', "state = 'lapsed'"),
                ('expected', "status = 'expected' and earliest_in_days < latest_in_days"), ('expected_day', "status = 'expected'"),
                ('too_early', "state in ('new', 'on_rhythm')"),
            ] %}
            {%- set sentence = holdfast.sentence(messages[name], columns, {}, holdfast.language()) %}
            when {{ [condition, sentence.when] | select | join(' and ') }} then {{ sentence.sql }}
            {%- endfor %}
            else {{ holdfast.text(messages.never_ordered) }}
        end as varchar) as message,
    from told

)

select * from final
