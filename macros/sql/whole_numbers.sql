{#- A SQL expression for the select list: the whole numbers from 0 to `last`, a SQL expression, a row for each. -#}
{% macro whole_numbers(last) %}
    {{- return(adapter.dispatch('whole_numbers', 'holdfast')(last)) -}}
{% endmacro %}

{% macro default__whole_numbers(last) %}
    {{- return('unnest(range(' ~ last ~ ' + 1))') -}}
{% endmacro %}

{% macro spark__whole_numbers(last) %}
    {{- return('explode(sequence(0, ' ~ last ~ '))') -}}
{% endmacro %}
