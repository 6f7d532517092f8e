-- who could have been asked about, and when: one row per eligible customer and observation date
{% set own_spine = var('holdfast_spine', none) -%}
{% if own_spine is not none -%}

{{ holdfast.own_spine(own_spine) }}

{%- else -%}
with

observation_dates as (

    {{ holdfast.observation_grid() }}

),

purchases as (

    select
        customer_id,
        ordered_at,
    from {{ ref('holdfast', 'stg_holdfast__orders') }}
    where amount > 0

),

active as (

    select
        purchases.customer_id,
        observation_dates.as_of,
    from purchases
    inner join observation_dates
        on purchases.ordered_at < observation_dates.as_of
        and purchases.ordered_at >= observation_dates.as_of - interval {{ holdfast.setting('active_within_days') }} day

    {% if holdfast.setting('churn_definition') == 'contractual' -%}
    union all

    -- a running subscription can lapse, whatever its customer buys; within the allowed gap another one may follow
    select
        subscriptions.customer_id,
        observation_dates.as_of,
    from {{ ref('holdfast', 'stg_holdfast__subscriptions') }} as subscriptions
    inner join observation_dates
        on subscriptions.started_at < observation_dates.as_of
        and (
            subscriptions.ended_at is null
            or (
                subscriptions.ended_at > subscriptions.started_at
                and subscriptions.ended_at
                >= observation_dates.as_of - interval {{ holdfast.setting('allowed_gap_days') }} day
            )
        )
    {%- endif %}

),

final as (

    select distinct
        customer_id,
        as_of,
    from active

)

select * from final
{%- endif %}
