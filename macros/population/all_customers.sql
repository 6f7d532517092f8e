{#-
  The select of every customer_id that is known at the build's as-of date: the customers of customer_retention. A customer
  may have ordered or subscribed without being in the customers input, and the reverse.
-#}
{% macro all_customers() %}
    {%- set as_of = 'cast(' ~ holdfast.as_of_date() ~ ' as timestamp)' -%}
select customer_id
from {{ ref('holdfast', 'stg_holdfast__customers') }}
where created_at < {{ as_of }}

union

select customer_id from {{ ref('holdfast', 'holdfast__customer_history') }}

union

select customer_id
from {{ ref('holdfast', 'stg_holdfast__subscriptions') }}
where
    customer_id is not null
    and started_at < {{ as_of }}

union

select customer_id
from {{ ref('holdfast', 'holdfast__customer_spine') }}
where as_of = {{ holdfast.scoring_as_of() }}
{%- endmacro %}
