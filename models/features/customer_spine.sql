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
    from {{ ref('stg_holdfast__orders') }}
    where amount > 0

),

final as (

    select distinct
        purchases.customer_id,
        observation_dates.as_of,
    from purchases
    inner join observation_dates
        on purchases.ordered_at < observation_dates.as_of
        and purchases.ordered_at >= observation_dates.as_of - interval {{ holdfast.setting('active_within_days') }} day

)

select * from final
{%- endif %}
