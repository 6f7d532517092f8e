{#-
  The select of customers again (segment_by, segment and the columns `by`), with the segments that are small groups in their `by`
  as `other`; see is_small_group. Nobody is left out, so sums stay complete. Where all of a `by` are fewer than
  `holdfast_least_group`, `other` is everybody.
-#}
{% macro least_groups(relation, by) %}
    {%- set within = ['segment_by'] + holdfast._quoted(by) -%}
select
    {{ holdfast.all_but(['segment'], 'customers') }},
    case when cells.is_small then 'other' else cells.segment end as segment,
from {{ relation }} as customers
inner join (
    select
        *,
        {{ holdfast.is_small_group('customers', ['segment'], within=within) }} as is_small,
    from (
        select
            {{ within | join(', ') }},
            segment,
            count(*) as customers,
        from {{ relation }}
        group by {{ within | join(', ') }}, segment
    ) as counted
) as cells
    on cells.segment = customers.segment
    {%- for column in within %}
    and cells.{{ column }} = customers.{{ column }}
    {%- endfor %}
{%- endmacro %}
