{#-
  A query: when customers were active, as hours of the day or as weekdays, from activity_hours: columns unit, slot, and those of
  the input but the clock's. A day counts once for its weekday. `activity` is the relation, or the name of a CTE.
-#}
{% macro timing_activity(unit, activity) -%}
{%- if unit == 'hour' -%}
select
    customer_id,
    'hour' as unit,
    hour as slot,
    happened_at,
    known_at,
    has_order,
    has_visit,
from {{ activity }}
where hour is not null
{%- else -%}
select
    customer_id,
    'weekday' as unit,
    weekday as slot,
    min(happened_at) as happened_at,
    min(known_at) as known_at,
    max(case when has_order then 1 else 0 end) = 1 as has_order,
    max(case when has_visit then 1 else 0 end) = 1 as has_visit,
from {{ activity }}
group by customer_id, local_date, weekday
{%- endif -%}
{%- endmacro %}
