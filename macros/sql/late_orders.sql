{#-
  The select of how many orders were loaded long after they happened, a row where that is more than one in twenty; says so
  in the log, in the commands that are named.
-#}
{% macro _late_orders(commands) %}
    {%- set is_late = "loaded_at > ordered_at + interval 30 day" -%}
    {%- set select -%}
select
    'loaded_at' as column_name,
    count(*) filter (where {{ is_late }}) as row_count,
    cast(round(100e0 * count(*) filter (where {{ is_late }}) / cast(count(*) as double), 0) as integer) as example
from {{ ref('holdfast', 'stg_holdfast__orders') }}
having count(*) filter (where {{ is_late }}) > 0.05 * count(*)
    {%- endset -%}
    {%- do holdfast._tell_problems([select], '{example} % of orders ({rows}) were loaded more than 30 days after they happened, and count '
        ~ 'only from then on: features of earlier dates do not include them, and training may find no rows. If a new sync rewrote '
        ~ 'loaded_at, or the history was loaded all at once, make it NULL for those rows, or leave the column out of the relation in the '
        ~ 'var `holdfast_orders`: "(select * exclude (loaded_at) from …)".', commands) -%}
    {{- return(select) -}}
{% endmacro %}
