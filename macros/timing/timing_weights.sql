{#-
  A query: the weight of every slot in a customer's activity, one row per key: evidence_count, weight and weight_<slot>.
  `activity` has the columns of `keys`, slot and weight: the name of a CTE.
-#}
{% macro timing_weights(unit, activity, keys) -%}
select
    {{ keys | join(', ') }},
    cast(sum(hours) as bigint) as evidence_count,
    cast(sum(weight) as double) as weight,
    {%- for slot in holdfast.timing_slots(unit) %}
    coalesce(cast(sum(weight) filter (where slot = {{ slot }}) as double), 0e0) as weight_{{ slot }},
    {%- endfor %}
from (
    select
        {{ keys | join(', ') }},
        slot,
        sum(weight) as weight,
        count(*) as hours,
    from {{ activity }}
    group by {{ keys | join(', ') }}, slot
) as cells
group by {{ keys | join(', ') }}
{%- endmacro %}
