{#- A SQL expression: of columns whose names end in numbers, the one that a number names. -#}
{% macro timing_case(number, prefix, numbers) %}
    {%- set cases = [] -%}
    {%- for each in numbers -%}
        {%- do cases.append('when ' ~ each ~ ' then ' ~ prefix ~ each) -%}
    {%- endfor -%}
    {{- return('case ' ~ number ~ ' ' ~ cases | join(' ') ~ ' end') -}}
{% endmacro %}
