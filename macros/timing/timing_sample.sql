{#- A query: the customers on whom timing is settled and judged, a sample of those of a large shop, in the column customer_id. -#}
{% macro timing_sample() -%}
{%- set most_customers = 20000 -%}
select customers.customer_id
from {{ ref('holdfast', 'holdfast__timing_customers') }} as customers
cross join (
    select greatest(1, cast(floor(count(*) / {{ most_customers }}e0) as bigint)) as one_in
    from {{ ref('holdfast', 'holdfast__timing_customers') }}
) as sizes
where {{ holdfast.stable_number('customers.customer_id') }} % sizes.one_in = 0
{%- endmacro %}
