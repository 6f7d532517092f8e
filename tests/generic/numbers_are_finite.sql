{#-
  On a staging model, a warning: numbers of the input that are NaN or infinite, which are neither a value nor missing and
  come in as missing. Counts them. Without `columns`, those of the var `holdfast_customer_attributes`.
-#}
{% test numbers_are_finite(model, input, columns=none) %}

{{ config(severity='warn', fail_calc='coalesce(sum(row_count), 0)') }}
{%- set relation = holdfast.input_relation(input) -%}
{%- set found = holdfast._column_types(relation) if execute and relation is not none else {} -%}
{%- set key = {
    'orders': 'order_id', 'order_items': 'order_id', 'products': 'product_id', 'support_tickets': 'ticket_id',
    'subscriptions': 'subscription_id', 'web_events': 'event_id', 'campaign_sends': 'send_id', 'offers': 'offer_id',
    'competitor_prices': 'product_id',
}.get(input, 'customer_id') -%}
{%- set parts = [] -%}
{%- for column in (columns if columns is not none else var('holdfast_customer_attributes', [])) if column | lower in found -%}
    {%- set have = found[column | lower] -%}
    {%- if holdfast._is_float_type(have) or holdfast._is_text_type(have) -%}
        {%- set sql -%}
select
    {{ holdfast.text(column) }} as column_name,
    count(*) as row_count,
    {{ holdfast.text(key ~ ' ') ~ ' || min(cast(' ~ holdfast.quoted(key) ~ ' as varchar))' if key in found else 'null' }} as example
from (select * from {{ relation }}) as inputs
where not isfinite(try_cast({{ holdfast.quoted(column) }} as double))
having count(*) > 0
        {%- endset -%}
        {%- do parts.append(sql) -%}
    {%- endif -%}
{%- endfor -%}
{%- do holdfast._tell_problems(
    parts, '{rows} rows of the input ' ~ input ~ ' have a {column} that is NaN or infinite, such as that of {example}; it counts as missing. '
    ~ 'Make it NULL, or correct it, in the relation in the var `holdfast_' ~ input ~ '`.'
) -%}
{{ parts | join('\nunion all\n') if parts else 'select 0 as row_count where false' }}

{#- never true: dbt gives a test only the macros that it finds named here -#}
{%- if false -%}{{ holdfast.is_demo() }}{{ holdfast._tell_problems() }}{%- endif -%}

{% endtest %}
