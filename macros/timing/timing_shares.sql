{#-
  A query: the share of each hour, or of each weekday, in every customer's activity, as a Dirichlet posterior sees it.

  A customer's hours count by their weights and are spread over their neighbours round the clock, for a habit is no exact
  hour and 23:00 is next to 00:00. They are then mixed with the shares of everyone, or of the customer's segment, which
  count as `concentration` hours; those are chosen on earlier dates, see timing_settings.

  `activity` has the columns settled_at, customer_id, slot and weight, `customers` settled_at, customer_id and segment,
  `settings` settled_at, kernel_width and concentration: names of CTEs. The result has one row per row of `customers`: the
  number of active hours (evidence_count), their weight, and per slot share_<slot> with the one that it is shrunk to
  (prior_<slot>) and everyone's (everyone_<slot>).
-#}
{% macro timing_shares(unit, activity, customers, settings) %}
{%- set slots = holdfast.timing_slots(unit) -%}
{#- nobody counts in everyone's shares for more than this many hours, so that no robot makes them -#}
{%- set most_hours = 30 -%}
{#- everyone's shares count in those of a segment as this many hours -#}
{%- set segment_weight = 100 -%}
with

counted as (

    {{ holdfast.timing_weights(unit, activity, ['settled_at', 'customer_id']) | indent(4) }}

),

-- decimals, whose sum is the same in whatever order the rows come
summed as (

    select
        customers.settled_at,
        customers.segment,
        {%- for slot in slots %}
        sum(cast(
            counted.weight_{{ slot }} * least(1e0, {{ most_hours }}e0 / cast(nullif(counted.weight, 0e0) as double)) as decimal(38, 6)
        )) as weight_{{ slot }},
        {%- endfor %}
    from counted
    inner join {{ customers }} as customers
        on customers.settled_at = counted.settled_at
        and customers.customer_id = counted.customer_id
    group by customers.settled_at, customers.segment

),

of_everyone as (

    select
        settings.settled_at,
        {%- for slot in slots %}
        -- half an hour each, so that no hour is impossible
        coalesce(cast(sum(summed.weight_{{ slot }}) as double), 0e0) + 0.5e0 as weight_{{ slot }},
        {%- endfor %}
    from {{ settings }} as settings
    left join summed on summed.settled_at = settings.settled_at
    group by settings.settled_at

),

everyone as (

    select
        settled_at,
        {%- for slot in slots %}
        weight_{{ slot }} / cast(nullif({{ holdfast._timing_sum('weight_', slots) }}, 0e0) as double) as share_{{ slot }},
        {%- endfor %}
    from of_everyone

),

of_segments as (

    select
        summed.settled_at,
        summed.segment,
        {%- for slot in slots %}
        (cast(summed.weight_{{ slot }} as double) + {{ segment_weight }}e0 * everyone.share_{{ slot }})
        / cast(nullif(cast({{ holdfast._timing_sum('summed.weight_', slots) }} as double) + {{ segment_weight }}e0, 0e0) as double) as share_{{ slot }},
        {%- endfor %}
    from summed
    inner join everyone on everyone.settled_at = summed.settled_at
    where summed.segment is not null

),

kernels as (

    {{ holdfast.timing_kernels(unit, settings) | indent(4) }}

),

final as (

    select
        customers.settled_at,
        customers.customer_id,
        coalesce(counted.evidence_count, 0) as evidence_count,
        coalesce(counted.weight, 0e0) as weight,
        kernels.concentration,
        {%- for slot in slots %}
        {{ holdfast.timing_mixed(
            unit, slot, 'counted', 'kernels', 'coalesce(of_segments.share_' ~ slot ~ ', everyone.share_' ~ slot ~ ')'
        ) }} as share_{{ slot }},
        coalesce(of_segments.share_{{ slot }}, everyone.share_{{ slot }}) as prior_{{ slot }},
        everyone.share_{{ slot }} as everyone_{{ slot }},
        {%- endfor %}
        of_segments.settled_at is not null as has_segment,
    from {{ customers }} as customers
    inner join kernels on kernels.settled_at = customers.settled_at
    inner join everyone on everyone.settled_at = customers.settled_at
    left join of_segments
        on of_segments.settled_at = customers.settled_at
        and of_segments.segment = customers.segment
    left join counted
        on counted.settled_at = customers.settled_at
        and counted.customer_id = customers.customer_id

)

select * from final
{%- endmacro %}
