-- the lifecycle states: how many customers are in each, for how long, and how many of those who were in it bought again
{% set least_group = holdfast.setting('least_group') -%}
with

states as (
    {% for state in holdfast.lifecycle_states() %}
    {%- set position = loop.index %}
    {%- set is_last = loop.last %}
    {%- for definition in state.definitions %}
    select
        {{ holdfast.text(definition) }} as churn_definition,
        {{ position }} as position,
        {{ holdfast.text(state.name) }} as state,
        {{ holdfast.text(state.label) }} as state_label,
        {{ 'true' if state.is_keepable else 'false' }} as is_keepable,
    {%- if not (is_last and loop.last) %}

    union all
    {% endif %}
    {%- endfor %}
    {%- endfor %}

),

lifecycle as (

    select * from {{ ref('holdfast', 'holdfast__customer_lifecycle') }}

),

counted as (

    select
        churn_definition,
        state,
        count(*) filter (where left_at is null) as customers,
        median(days_in_state) filter (where left_at is null) as median_days_in_state,
        count(left_at) as ended_stays,
        median(days_in_state) filter (where left_at is not null) as median_days_of_ended_stays,
        count(*) filter (where next_state not in ({{ holdfast.states_that(begins='silence') }})) as bought_stays,
    from lifecycle
    group by churn_definition, state

),

final as (

    select
        {{ holdfast.as_of_date() }} as as_of_date,
        cast(states.churn_definition as varchar) as churn_definition,
        states.churn_definition = {{ holdfast.text(holdfast.setting('churn_definition')) }} as is_project_definition,
        cast(states.position as integer) as position,
        cast(states.state as varchar) as state,
        cast(states.state_label as varchar) as state_label,
        states.is_keepable,
        cast(coalesce(counted.customers, 0) as bigint) as customers,
        case when counted.customers >= {{ least_group }} then cast(counted.median_days_in_state as double) end
            as median_days_in_state,
        cast(coalesce(counted.ended_stays, 0) as bigint) as ended_stays,
        case when counted.ended_stays >= {{ least_group }} then cast(counted.median_days_of_ended_stays as double) end
            as median_days_of_ended_stays,
        case
            when
                states.state in ('new', 'slipping', 'cancelled_running_out')
                and counted.ended_stays >= {{ least_group }}
                then counted.bought_stays / cast(counted.ended_stays as double)
        end as bought_again_share,
    from states
    left join counted
        on counted.churn_definition = states.churn_definition
        and counted.state = states.state
    where states.churn_definition in (select lifecycle.churn_definition from lifecycle)

)

select * from final
