{#-
  The select of the customers (customer_id) from whom products are judged: all, or of more than `most` a fixed sample. What
  products have in common with each other needs no more of them, and the cost stays the same however large the shop is.
-#}
{% macro reference_customers(most=100000) -%}
select customer_id
from (
    select
        customer_id,
        count(*) over () as customers,
    from (select distinct customer_id from {{ ref('holdfast', 'holdfast__recommendation_purchases') }})
) as known
where {{ holdfast.stable_number('customer_id') }} % 1000000 < 1000000 * least({{ most }}e0 / cast(customers as double), 1e0)
{%- endmacro %}
