{#-
  The select of who bought which product in which order, in the days before a moment (always: days=none) and as it was known then: customer_id,
  order_id, ordered_at, product_id. A product that stands in several lines of an order is one row; returns, free orders and
  lines without a quantity above zero are none.
-#}
{% macro product_purchases(moment, days=none) -%}
select distinct
    orders.customer_id,
    orders.order_id,
    orders.ordered_at,
    items.product_id,
from {{ ref('holdfast', 'stg_holdfast__order_items') }} as items
inner join {{ ref('holdfast', 'stg_holdfast__orders') }} as orders on orders.order_id = items.order_id
where
    items.quantity > 0
    and items.product_id is not null
    and orders.amount > 0
    and orders.ordered_at < {{ moment }}
    {%- if days is not none %}
    and orders.ordered_at >= {{ holdfast.plus_days(moment, '-' ~ days) }}
    {%- endif %}
    and coalesce(orders.loaded_at, orders.ordered_at) < {{ moment }}
    and coalesce(items.loaded_at, orders.ordered_at) < {{ moment }}
{%- endmacro %}
