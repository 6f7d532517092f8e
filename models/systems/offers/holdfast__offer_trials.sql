{{ config(enabled=holdfast.has_system('offers'), materialized='view') }}
-- what each usable send was, what came of it, and what was known of the customer at the beginning of its day. A view:
-- only a training reads it, and most builds train nothing
-- depends_on: {{ ref('holdfast', 'holdfast__customer_features') }}
{#- sqlfluff cannot place loops that are empty, as these are before the views are built #}
-- noqa: disable=LT02,LT09,ST03
{% set features = holdfast.offer_features() -%}
{% set full_names = {} -%}
{% for view in holdfast.feature_views() -%}
{% do full_names.update({holdfast._plain_name(view): view}) -%}
{% endfor -%}
{% set views = features | map(attribute='view') | unique | list -%}
with

-- a control group that was not drawn at random teaches something wrong
not_randomised as (

    select distinct
        coalesce({{ holdfast.same_id('offer_id') }}, '') as offer_key,
        coalesce(channel, '') as channel,
    from {{ ref('holdfast', 'holdfast__offer_effects') }}
    where
        segment = 'all'
        and status = 'not_randomised'

),

-- what was certain was not drawn
usable as (

    select
        sends.send_id,
        sends.customer_id,
        sends.campaign_id,
        {{ holdfast.same_id('sends.offer_id') }} as offer_key,
        sends.is_control,
        sends.sent_at,
        sends.is_retained,
        sends.orders,
        cast(sends.revenue as double) as revenue,
        cast(sends.margin as double) as margin,
        coalesce(cast(sends.discount as double), 0e0) as discount,
    from {{ ref('holdfast', 'holdfast__send_outcomes') }} as sends
    left join not_randomised
        on not_randomised.offer_key = coalesce({{ holdfast.same_id('sends.offer_id') }}, '')
        and not_randomised.channel = coalesce(sends.channel, '')
    where
        sends.is_mature
        and sends.excluded_because is null
        and coalesce(sends.propensity < 1, true)
        and not_randomised.offer_key is null

),

-- a campaign without either arm tells nothing
campaigns as (

    select campaign_id
    from usable
    group by campaign_id
    having
        count(case when is_control then 1 end) > 1
        and count(case when not is_control then 1 end) > 1

),

sends as (

    select
        usable.send_id,
        usable.customer_id,
        usable.campaign_id,
        usable.offer_key,
        usable.is_control,
        date_trunc('day', usable.sent_at) as as_of,
        case when usable.is_retained then 1e0 else 0e0 end as retained,
        greatest(usable.revenue + usable.discount, 0e0) as spend,
        coalesce(usable.margin, usable.revenue) as earned,
        case
            when usable.is_control then 0e0
            else {{ holdfast.setting('contact_cost') }} + coalesce(cast(offers.cost as double), 0e0) * usable.orders
        end as cost,
        coalesce(cast(offers.cost as double), 0e0) as offer_cost,
        coalesce(offers.discount, 0e0) as offer_discount,
    from usable
    inner join campaigns on campaigns.campaign_id = usable.campaign_id
    left join {{ ref('holdfast', 'stg_holdfast__offers') }} as offers
        on {{ holdfast.same_id('offers.offer_id') }} = usable.offer_key

),

moments as (

    select distinct
        customer_id,
        as_of,
    from sends

),
{%- for view in views %}

known_{{ loop.index }} as (

    {{ holdfast.render_view(holdfast._node_of(full_names[view]), 'moments').sql }}

),
{%- endfor %}

final as (

    select
        sends.*,
        {%- for feature in features %}
        {%- set value = 'known_' ~ (views.index(feature.view) + 1) ~ '.' ~ holdfast.quoted(feature.name) %}
        {{ holdfast.as_feature(value, feature.type) }} as {{ holdfast.quoted(feature.name) }},
        {%- endfor %}
    from sends
    {%- for view in views %}
    left join known_{{ loop.index }}
        on known_{{ loop.index }}.customer_id = sends.customer_id
        and known_{{ loop.index }}.as_of = sends.as_of
    {%- endfor %}

)

select * from final
