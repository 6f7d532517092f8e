{#-
  The select of the lines of purchases that have a price, as known at the as-of date: product_id, ordered_at, channel, quantity,
  unit_price and whether the order had a discount. Returns are no sales, and a price of zero is no price.
-#}
{% macro priced_lines(days=none) %}
{%- set as_of = 'cast(' ~ holdfast.as_of_date() ~ ' as timestamp)' -%}
{%- set times = holdfast.event_times()['stg_holdfast__orders'] -%}
select
    items.product_id,
    orders.ordered_at,
    orders.channel,
    items.quantity,
    items.unit_price,
    coalesce(orders.discount_amount, 0) > 0 as has_discount,
from {{ ref('holdfast', 'stg_holdfast__order_items') }} as items
inner join {{ holdfast.as_known_at(ref('holdfast', 'stg_holdfast__orders'), times, as_of) }} as orders
    on orders.order_id = items.order_id
where
    items.product_id is not null
    and orders.amount > 0
    and items.quantity > 0
    and items.unit_price > 0
    and coalesce(items.loaded_at, orders.ordered_at) < {{ as_of }}
    {%- if days is not none %}
    and orders.ordered_at >= {{ as_of }} - interval {{ days }} day
    {%- endif %}
{%- endmacro %}
