{#- The window in a feature's name, as its author wrote it: '30d', '6m', '30d offset 30d'; '' for none. -#}
{% macro _window_of(feature) %}
    {%- set match = modules.re.search('_([0-9]+[dwm](?:_offset_[0-9]+[dwm])?)$', feature) -%}
    {{- return(match.group(1) | replace('_', ' ') if match else '') -}}
{% endmacro %}


{#- The expression that a view's SQL gives a feature: the first one that is named so. -#}
{% macro _expression_of(feature, code) %}
    {%- set found = modules.re.findall('\n\s*(.+) as "?' ~ feature ~ '"?,', code) -%}
    {{- return(found[0] | trim if found else '') -}}
{% endmacro %}
