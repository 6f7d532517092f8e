{#- A SQL expression: the RFM segment of a row with state, recency_score and value_score, see rfm_segments(). -#}
{% macro rfm_segment_of() %}
    {%- set cases = [] -%}
    {%- for segment in holdfast.rfm_segments() -%}
        {%- set conditions = [] -%}
        {%- if 'state' in segment -%}
            {%- set states = [] -%}
            {%- for state in segment.state -%}
                {%- do states.append(holdfast.text(state)) -%}
            {%- endfor -%}
            {%- do conditions.append('state in (' ~ states | join(', ') ~ ')') -%}
        {%- endif -%}
        {%- for score in ['recency', 'value'] if score in segment -%}
            {%- do conditions.append(score ~ '_score in (' ~ segment[score] | join(', ') ~ ')') -%}
        {%- endfor -%}
        {%- do cases.append('when ' ~ (conditions | join(' and ') or 'true') ~ ' then ' ~ holdfast.text(segment.name)) -%}
    {%- endfor -%}
    {{- return('case ' ~ cases | join(' ') ~ ' end') -}}
{% endmacro %}
