{#- A SQL expression: the inner product of two lists of doubles that are equally long. -#}
{% macro list_product(left, right) %}
    {{- return(adapter.dispatch('list_product', 'holdfast')(left, right)) -}}
{% endmacro %}
