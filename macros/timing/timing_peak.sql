{#-
  A SQL expression: the slot in which a column per slot is largest; of the hours, the full hour in the middle of the six that
  hold most together, for a single hour is more often chance. Of equals the one with more in the two hours next to it, then the
  first; what differs by a billionth is equal, or the rounding of sums would choose.
-#}
{% macro timing_peak(unit, prefix) %}
    {%- set sums = [] -%}
    {%- set cases = [] -%}
    {%- for slot in holdfast.timing_slots(unit) -%}
        {%- set around = [] -%}
        {%- for distance in (range(-3, 3) if unit == 'hour' else [0]) -%}
            {%- set weight = '1.001e0 * ' if distance in [-1, 0] else '' -%}
            {%- do around.append(weight ~ prefix ~ holdfast._timing_neighbour(unit, slot, distance)) -%}
        {%- endfor -%}
        {%- do sums.append('round(' ~ around | join(' + ') ~ ', 9)') -%}
    {%- endfor -%}
    {%- for slot in holdfast.timing_slots(unit) -%}
        {%- do cases.append('when ' ~ sums[loop.index0] ~ ' then ' ~ slot) -%}
    {%- endfor -%}
    {{- return('case greatest(' ~ sums | join(', ') ~ ') ' ~ cases | join(' ') ~ ' end') -}}
{% endmacro %}
