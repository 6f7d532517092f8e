{#-
  The condition that leaves out the customers in forgotten_customers. It stands in the view of every input for good, so
  that a build of a part of the models cannot bring somebody back; before that table was first built there is nobody in it.
  The ref is here, also while dbt parses.
-#}
{% macro not_forgotten(customer_id) %}
    {%- set forgotten = ref('holdfast', 'holdfast__forgotten_customers') -%}
    {%- if not execute or not holdfast.exists(forgotten) -%}
        {{- return('1 = 1') -}}
    {%- endif -%}
    {{- return(
        'not exists (select 1 from ' ~ forgotten ~ ' as forgotten where forgotten.customer_id = cast('
        ~ customer_id ~ ' as ' ~ holdfast._sql_type('text') ~ '))'
    ) -}}
{% endmacro %}
