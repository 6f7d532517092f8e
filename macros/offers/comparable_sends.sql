{#-
  The select of the sends that comparisons may use, with their outcomes as numbers: retained, orders, revenue, margin, and the
  same before the send (prior_…).
-#}
{% macro comparable_sends() %}
    {%- set columns = {'retained': 'is_retained', 'orders': 'orders', 'revenue': 'revenue', 'margin': 'margin'} -%}
select
    customer_id,
    campaign_id,
    offer_id,
    channel,
    variant,
    segment,
    is_control,
    propensity,
    is_mature,
    {%- for outcome in columns %}
    {%- for prior in ['', 'prior_'] %}
    {%- set value = prior ~ columns[outcome] %}
    {%- set number = 'cast(' ~ value ~ ' as integer)' if outcome == 'retained' else value %}
    greatest(least(cast({{ number }} as double), 1e10), -1e10) as {{ prior }}{{ outcome }},
    {%- endfor %}
    {%- endfor %}
from {{ ref('holdfast', 'holdfast__send_outcomes') }}
where excluded_because is null
{%- endmacro %}
