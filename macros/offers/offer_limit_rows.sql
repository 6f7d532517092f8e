{#-
  The select of the limits under which offers are chosen, one row each: kind (budget in money, contacts, offer or segment in
  customers), name (of the offer or segment) and amount. What has no limit has no row.
-#}
{% macro offer_limit_rows() %}
    {%- set budget = holdfast.setting('offer_budget') -%}
    {%- set contacts = {none: holdfast.setting('contact_budget')} -%}
    {%- do contacts.update(holdfast.setting('segment_budgets')) -%}
select
    'offer' as kind,
    cast(offer_id as varchar) as name,
    floor(greatest(cast(max_customers as double), 0e0)) as amount,
from {{ ref('holdfast', 'stg_holdfast__offers') }}
where max_customers is not null
{%- if budget is not none %}

union all

select
    'budget' as kind,
    cast(null as varchar) as name,
    cast({{ budget }} as double) as amount,
{%- endif %}
{%- for segment, most in contacts.items() %}

union all

select
    {{ holdfast.text('contacts' if segment is none else 'segment') }} as kind,
    {{ 'cast(null as varchar)' if segment is none else holdfast.text(segment) }} as name,
    {{ 'floor(cast(count(*) as double) * ' ~ most ~ ' + 1e-9)' if 0 < most < 1 else 'cast(' ~ most ~ ' as double)' }} as amount,
{%- if 0 < most < 1 %}
from (
    {{ holdfast.all_customers() | indent(4) }}
) as everyone
{%- if segment is not none %}
inner join {{ ref('holdfast', 'holdfast__customer_segments') }} as segments
    on segments.customer_id = everyone.customer_id
where segments.segment = {{ holdfast.text(segment) }}
{%- endif %}
{%- endif %}
{%- endfor %}
{%- endmacro %}
