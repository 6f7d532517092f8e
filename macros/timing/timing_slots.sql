{#- The hours of the day, or the weekdays by their ISO numbers. -#}
{% macro timing_slots(unit) %}
    {{- return(range(24) | list if unit == 'hour' else range(1, 8) | list) -}}
{% endmacro %}


{#- The slot some steps after another, round the clock. -#}
{% macro _timing_neighbour(unit, slot, distance) %}
    {{- return((slot + distance) % 24 if unit == 'hour' else slot) -}}
{% endmacro %}


{#- The sum of a column over slots. -#}
{% macro _timing_sum(prefix, slots) %}
    {%- set parts = [] -%}
    {%- for slot in slots -%}
        {%- do parts.append(prefix ~ slot) -%}
    {%- endfor -%}
    {{- return('(' ~ parts | join(' + ') ~ ')') -}}
{% endmacro %}
