{#- A SQL expression: the height of a bell curve at a distance from its middle; a width of 0 spreads nothing. -#}
{% macro timing_bell(width, distance) %}
    {{- return('1e0' if distance == 0 else
        'case when ' ~ width ~ ' > 0 then exp(-' ~ 0.5 * distance * distance ~ 'e0 / cast(nullif(' ~ width ~ ' * ' ~ width ~ ', 0e0) as double)) else 0e0 end'
    ) -}}
{% endmacro %}
