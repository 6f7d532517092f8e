{#-
  A SQL expression: how much the hours around one hour hold that are not around another too. `share` begins the names of the
  columns per hour.
-#}
{% macro timing_apart(share, hour, other) %}
    {%- set shares = [] -%}
    {%- for slot in holdfast.timing_slots('hour') -%}
        {%- do shares.append(
            'case when ' ~ holdfast._is_near(slot, hour) ~ ' and not ' ~ holdfast._is_near(slot, other) ~ ' then ' ~ share ~ slot ~ ' else 0e0 end'
        ) -%}
    {%- endfor -%}
    {{- return('(' ~ shares | join('\n            + ') ~ ')') -}}
{% endmacro %}


{#- Whether an hour is one of the six around a full hour: three before, three after. -#}
{% macro _is_near(slot, hour) %}
    {{- return('(' ~ (slot + 27) ~ ' - ' ~ hour ~ ') % 24 < 6') -}}
{% endmacro %}
