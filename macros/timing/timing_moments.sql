{#- A query: the moments for which timing is settled or judged: the as-of date (the first, step 0) and the earlier ones. -#}
{% macro timing_moments(first=0) -%}
{%- set as_of = 'cast(' ~ holdfast.as_of_date() ~ ' as timestamp)' -%}
select {{ holdfast.plus_days(as_of, '-' ~ holdfast.timing_holdout_days() ~ ' * step') }} as settled_at
from (select {{ holdfast.whole_numbers(4) }} as step) as steps
where step >= {{ first }}
{%- endmacro %}
