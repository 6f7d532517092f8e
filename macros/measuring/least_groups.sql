{#-
  The select of customers again (segment_by, segment and the columns `by`), in cells that are no smaller than
  `holdfast_least_group`: in each `by` the smaller segments become `other`, with the smallest of the rest where they are too few
  together. Nobody is left out, so sums stay complete. Where all of a `by` are fewer than the least group, `other` is everybody.
-#}
{% macro least_groups(relation, by) %}
    {%- set least = holdfast.setting('least_group') -%}
    {%- set group = 'segment_by, ' ~ holdfast._quoted(by) | join(', ') -%}
select
    {{ holdfast.all_but(['segment'], 'customers') }},
    cells.kept_segment as segment,
from {{ relation }} as customers
inner join (
    select
        {{ group }},
        segment,
        case
            when is_small or (place = 1 and small_customers between 1 and {{ least }} - 1) then 'other'
            else segment
        end as kept_segment,
    from (
        select
            *,
            sum(case when is_small then customers else 0 end) over (partition by {{ group }}) as small_customers,
            -- of those that are large enough the smallest is the first
            row_number() over (
                partition by {{ group }}
                order by is_small asc nulls last, customers asc nulls last, segment asc nulls last
            ) as place,
        from (
            select
                {{ group }},
                segment,
                count(*) as customers,
                segment = 'other' or count(*) < {{ least }} as is_small,
            from {{ relation }}
            group by {{ group }}, segment
        ) as counted
    ) as ranked
) as cells
    on cells.segment_by = customers.segment_by
    and cells.segment = customers.segment
    {%- for column in holdfast._quoted(by) %}
    and cells.{{ column }} = customers.{{ column }}
    {%- endfor %}
{%- endmacro %}
