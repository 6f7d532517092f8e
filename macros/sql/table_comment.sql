{#- The select of the comment on a table, one row; NULL where there is none. -#}
{% macro table_comment(relation) %}
    {{- return(adapter.dispatch('table_comment', 'holdfast')(relation)) -}}
{% endmacro %}
