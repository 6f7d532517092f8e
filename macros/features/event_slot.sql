{#- A SQL expression: the number of an event's type among those of kept_event_types, 0 for all other types and for none. -#}
{% macro event_slot(event_type, types) %}
    {%- set cases = [] -%}
    {%- for type in types if type.slot -%}
        {%- do cases.append('when ' ~ holdfast.text(type.event_type) ~ ' then ' ~ type.slot) -%}
    {%- endfor -%}
    {{- return('case ' ~ event_type ~ ' ' ~ cases | join(' ') ~ ' else 0 end' if cases else '0') -}}
{% endmacro %}
