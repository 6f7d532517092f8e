{#-
  A SQL condition: whether a customer is one of those who are never contacted, so that what all contacts together do can be
  measured. By the id and a salt alone: no build, full refresh or further customer changes it, and a larger share keeps those
  who are in the smaller one.
-#}
{% macro in_global_holdout(customer_id) %}
    {%- set share = holdfast.setting('holdout_share') -%}
    {{- return('(' ~ holdfast.uniform([customer_id], holdfast.setting('holdout_salt')) ~ ' < cast(' ~ share ~ ' as double))') -}}
{% endmacro %}
