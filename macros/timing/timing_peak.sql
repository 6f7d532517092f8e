{#-
  A SQL expression: the slot in which a column per slot is largest; of the hours, the full hour
  in the middle of the six that hold most together, for a single hour is more often chance. The first of equals.
-#}
{% macro timing_peak(unit, prefix) %}
    {%- set sums = [] -%}
    {%- set cases = [] -%}
    {%- for slot in holdfast.timing_slots(unit) -%}
        {%- do sums.append(holdfast._timing_sum(prefix, holdfast._timing_window(unit, slot))) -%}
    {%- endfor -%}
    {%- set largest = 'greatest(' ~ sums | join(', ') ~ ')' -%}
    {%- for slot in holdfast.timing_slots(unit) -%}
        {%- do cases.append('when ' ~ sums[loop.index0] ~ ' then ' ~ slot) -%}
    {%- endfor -%}
    {{- return('case ' ~ largest ~ ' ' ~ cases | join(' ') ~ ' end') -}}
{% endmacro %}


{#- The slots that stand for one when the best is sought. -#}
{% macro _timing_window(unit, slot) %}
    {%- set slots = [] -%}
    {%- for distance in (range(-3, 3) if unit == 'hour' else [0]) -%}
        {%- do slots.append(holdfast._timing_neighbour(unit, slot, distance)) -%}
    {%- endfor -%}
    {{- return(slots) -}}
{% endmacro %}
