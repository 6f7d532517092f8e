{#- An input as it stood at a moment: a subquery without what came later. -#}
{% macro as_known_at(relation, times, moment) %}
    {%- set hidden = {} -%}
    {%- for at, columns in times.get('later', {}).items() -%}
        {%- for column in columns -%}
            {%- do hidden.update({column: 'case when ' ~ at ~ ' < ' ~ moment ~ ' then ' ~ column ~ ' end'}) -%}
        {%- endfor -%}
    {%- endfor -%}
    {%- set conditions = [times['at'] ~ ' < ' ~ moment] -%}
    {%- if times.get('known_at') -%}
        {%- do conditions.append('coalesce(' ~ times.known_at ~ ', ' ~ times['at'] ~ ') < ' ~ moment) -%}
    {%- endif -%}
    {{- return(
        '(select ' ~ (holdfast.all_with(hidden) if hidden else '*') ~ ' from ' ~ relation
        ~ ' where ' ~ conditions | join(' and ') ~ ')'
    ) -}}
{% endmacro %}
