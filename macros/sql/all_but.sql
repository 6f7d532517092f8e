{#- For the select list: all columns but those named, of one relation where it is given. -#}
{% macro all_but(columns, relation=none) %}
    {{- return(adapter.dispatch('all_but', 'holdfast')(columns, relation)) -}}
{% endmacro %}
