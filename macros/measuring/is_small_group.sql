{#-
  A SQL condition on rows that are groups: whether a group becomes part of `other`, for fewer customers than `holdfast_least_group`
  are in it. Where those together are too few as well, the next larger groups go with them, so that `other` is large enough.

  `within` lists the columns inside whose values groups are merged, `names` those that tell the groups apart. With `overlapping=true`
  customers may be in several groups: then only a group that is large enough itself makes `other` so.
-#}
{% macro is_small_group(customers, names, within=[], overlapping=false) %}
    {%- set least = holdfast.setting('least_group') -%}
    {%- set part = 'partition by ' ~ within | join(', ') ~ ' ' if within else '' -%}
    {%- set order = [] -%}
    {%- for column in [customers] + names -%}
        {%- do order.append(column ~ ' asc nulls last') -%}
    {%- endfor -%}
    {%- set before = ('max' if overlapping else 'sum') ~ '(' ~ customers ~ ') over (' ~ part ~ 'order by ' ~ order | join(', ')
        ~ ' rows between unbounded preceding and 1 preceding)' -%}
    {{- return(
        '(' ~ customers ~ ' < ' ~ least ~ ' or (min(' ~ customers ~ ') over (' ~ part | trim ~ ') < ' ~ least
        ~ ' and coalesce(' ~ before ~ ', 0) < ' ~ least ~ '))'
    ) -}}
{% endmacro %}
