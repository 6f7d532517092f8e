{#- The expression that a view's SQL gives a feature: the first one that is named so. -#}
{% macro feature_expression(feature, code) %}
    {%- set found = modules.re.findall('\n\s*(.+) as "?' ~ modules.re.escape(feature) ~ '"?,', code) -%}
    {{- return(found[0] | trim if found else '') -}}
{% endmacro %}
