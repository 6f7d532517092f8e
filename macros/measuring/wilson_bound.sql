{#-
  A SQL expression: one end of Wilson's 95 % interval of a share, `hits` of `rows` (1927), which stays between 0 and 1 and holds
  for few rows, too; NULL without rows. `side` is lower or upper.
-#}
{% macro wilson_bound(hits, rows, side) %}
    {%- set n = 'cast(nullif(' ~ rows ~ ', 0) as double)' -%}
    {%- set p = '(' ~ hits ~ ' / ' ~ n ~ ')' -%}
    {#- 1.96 squared -#}
    {%- set z2 = '3.8416e0' -%}
    {%- set half = '1.96e0 * sqrt(' ~ p ~ ' * (1e0 - ' ~ p ~ ') / ' ~ n ~ ' + ' ~ z2 ~ ' / 4e0 / ' ~ n ~ ' / ' ~ n ~ ')' -%}
    {%- set bound = '(' ~ p ~ ' + ' ~ z2 ~ ' / 2e0 / ' ~ n ~ (' - ' if side == 'lower' else ' + ') ~ half ~ ') / (1e0 + ' ~ z2 ~ ' / ' ~ n ~ ')' -%}
    {%- set within = 'greatest(0e0, ' ~ bound ~ ')' if side == 'lower' else 'least(1e0, ' ~ bound ~ ')' -%}
    {#- greatest and least would take NULL for the other bound -#}
    {{- return('case when ' ~ rows ~ ' > 0 then ' ~ within ~ ' end') -}}
{% endmacro %}
