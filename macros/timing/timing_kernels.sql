{#-
  A query: per moment, the concentration and the bell by which activity is spread over neighbours, in columns near_<distance>.
  `settings` has the columns settled_at, kernel_width and concentration: the name of a CTE.
-#}
{% macro timing_kernels(unit, settings) -%}
select
    settled_at,
    concentration,
    {%- for distance in range(holdfast.timing_reach(unit) + 1) %}
    {{ holdfast.timing_bell('kernel_width', distance) }} as near_{{ distance }},
    {%- endfor %}
from {{ settings }}
{%- endmacro %}
