{#- An aggregate: the value of the row in which `by` is greatest; of several columns in brackets the first counts most. -#}
{% macro value_at_max(value, by) %}
    {{- return(adapter.dispatch('value_at_max', 'holdfast')(value, by)) -}}
{% endmacro %}
