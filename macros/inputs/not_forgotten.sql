{#-
  The condition that leaves out the customers in forgotten_customers. It stands in the view of every input for good, so
  that a build of a part of the models cannot bring somebody back; before that table was first built there is nobody in it.
  The ref is here, also while dbt parses. Ids are compared as texts that are the same for 17, 17.0 and ' 17 ', for a customer
  must not come back with another type; `type` is that of the id, where it is known.
-#}
{% macro not_forgotten(customer_id, type=none) %}
    {%- set forgotten = ref('holdfast', 'holdfast__forgotten_customers') -%}
    {%- if not execute or not holdfast.exists(forgotten) -%}
        {{- return('1 = 1') -}}
    {%- endif -%}
    {{- return(
        'not exists (select 1 from ' ~ forgotten ~ ' as forgotten where ' ~ holdfast.same_id('forgotten.customer_id') ~ ' = '
        ~ holdfast.same_id(customer_id, is_whole=type is not none and holdfast._is_whole_type(type)) ~ ')'
    ) -}}
{% endmacro %}
