{{ config(severity='warn') }}
-- an as-of date far beyond the last order makes every customer look lost; most often a load has failed
{% set late -%}
select max(ordered_at) as last_order_at
from {{ ref('holdfast', 'stg_holdfast__orders') }}
having cast(max(ordered_at) as date) + {{ holdfast.setting('churn_horizon_days') }} < {{ holdfast.as_of_date() }}
{%- endset %}
{% set told -%}
select
    'ordered_at' as column_name,
    {{ holdfast.days_between('last_order_at', 'cast(' ~ holdfast.as_of_date() ~ ' as timestamp)') }} as row_count,
    last_order_at as example
from ({{ late }}) as late
{%- endset %}
{% do holdfast._tell_problems([told], 'The last order is of {example}, {rows} days before the as-of date. If the shop has not closed, a load '
    ~ 'has failed or `holdfast_as_of_date` is wrong; everybody looks lost, and nobody is scored after `holdfast_active_within_days`.') -%}
{{ late }}
