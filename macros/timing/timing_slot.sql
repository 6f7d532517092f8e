{#- A SQL expression: the value of the column per slot that a slot names. -#}
{% macro timing_slot(unit, prefix, slot) %}
    {{- return(holdfast.timing_case(slot, prefix, holdfast.timing_slots(unit))) -}}
{% endmacro %}
