{#- The window in a feature's name, as its author wrote it: '30d', '6m', '30d offset 30d'; '' for none. -#}
{% macro feature_window(feature) %}
    {%- set match = modules.re.search('_([0-9]+[dwm](?:_offset_[0-9]+[dwm])?)$', feature) -%}
    {{- return(match.group(1) | replace('_', ' ') if match else '') -}}
{% endmacro %}
