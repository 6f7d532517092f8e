{#- The reason that a feature belongs to: its name without the window, so that order_count_30d and _90d are one. -#}
{% macro reason_of(feature) %}
    {{- return(modules.re.sub('_[0-9]+[dwm](_offset_[0-9]+[dwm])?$', '', feature)) -}}
{% endmacro %}
