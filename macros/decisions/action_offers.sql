{#-
  The select of the offers that an action may be, one row per action: the offers input, and what only sends name, of which nothing
  more is known.
-#}
{% macro action_offers() %}
select
    cast(offer_id as varchar) as action,
    offer_id,
    offer_name,
    discount,
    channel,
    valid_from,
    valid_to,
from {{ ref('holdfast', 'stg_holdfast__offers') }}
where offer_id is not null

union all

select
    cast(sends.offer_id as varchar) as action,
    sends.offer_id,
    null as offer_name,
    null as discount,
    null as channel,
    null as valid_from,
    null as valid_to,
from (
    select distinct offer_id
    from {{ ref('holdfast', 'stg_holdfast__campaign_sends') }}
    where offer_id is not null
) as sends
where
    not exists (
        select 1
        from {{ ref('holdfast', 'stg_holdfast__offers') }} as offers
        where cast(offers.offer_id as varchar) = cast(sends.offer_id as varchar)
    )
{%- endmacro %}
