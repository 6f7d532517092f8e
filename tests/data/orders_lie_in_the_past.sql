-- one order dated in the future would move the as-of date there and make every customer look lost
{% set now = holdfast.as_utc(dbt.current_timestamp()) -%}
{% set orders = ref('holdfast', 'stg_holdfast__orders') -%}
{% set told -%}
select
    'ordered_at' as column_name,
    count(*) as row_count,
    'the latest is ' || max(ordered_at) || ', and the time now, in UTC, is ' || date_trunc('second', {{ now }}) as example
from {{ orders }}
where ordered_at > {{ now }}
having count(*) > 0
{%- endset %}
{% do holdfast._tell_problems([told], '{rows} orders are dated in the future ({example}). If they are a few hours ahead, their times are most '
    ~ 'likely local instead of UTC. '
    ~ "Convert them in the relation in the var `holdfast_orders`, such as timezone('Europe/Berlin', ordered_at); "
    ~ 'leave out pre-orders until their day has come.') -%}
select
    order_id,
    ordered_at,
from {{ orders }}
where ordered_at > {{ now }}
