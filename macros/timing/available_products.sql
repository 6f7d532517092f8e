{#-
  The select of which products can be bought at a moment, product_id and is_available: the latest change that was known of the
  input product_availability, else the column of the products. Of products that neither tells about there is no row.
-#}
{% macro available_products(moment) %}
    {%- set times = holdfast.event_times()['stg_holdfast__product_availability'] -%}
    {%- set changes = holdfast.as_known_at(ref('holdfast', 'stg_holdfast__product_availability'), times, moment) -%}
select
    product_id,
    -- of two changes at one moment, the one that sells nothing
    {{ holdfast.value_at_max('is_available', 'changed_at') }} as is_available,
from (
    select
        product_id,
        changed_at,
        min(case when is_available then 1 else 0 end) = 1 as is_available,
    from {{ changes }} as changes
    where product_id is not null
    group by product_id, changed_at
) as changes
group by product_id

union all

select
    product_id,
    min(case when is_available then 1 else 0 end) = 1 as is_available,
from {{ ref('holdfast', 'stg_holdfast__products') }}
where
    is_available is not null
    and product_id not in (select product_id from {{ changes }} as changes where product_id is not null)
group by product_id
{%- endmacro %}
