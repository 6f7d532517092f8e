{#- A SQL expression: a number as JSON, rounded; NULL where it is missing, infinite or NaN, for which JSON has no number. -#}
{% macro json_number(value, places) %}
    {%- set number = 'round(cast(' ~ value ~ ' as double), ' ~ places ~ ')' -%}
    {%- if places == 0 -%}
        {%- set number = 'cast(' ~ number ~ ' as decimal(38, 0))' -%}
    {%- endif -%}
    {{- return('case when ' ~ holdfast.is_finite(value) ~ ' then cast(' ~ number ~ ' as varchar) end') -}}
{% endmacro %}
