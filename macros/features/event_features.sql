{#- The features whose names the data of web events and of `holdfast_events` decides on: {name: {description, say}}. -#}
{% macro event_features() %}
    {%- set found = {} -%}
    {%- for source in (['web_events'] if holdfast.has_input('web_events') else []) + holdfast.event_inputs().keys() | list -%}
        {%- for column in holdfast.event_columns(source, totals=source != 'web_events').columns -%}
            {%- do found.update({column.name: {'description': column.description, 'say': column.say}}) -%}
        {%- endfor -%}
    {%- endfor -%}
    {{- return(found) -}}
{% endmacro %}
