{#-
  A SQL condition: whether the topic of a ticket names a complaint, that is what was delivered or charged (delivery, shipping,
  product, quality, billing, refund, …), a fault of it, or the word itself. Questions about accounts, subscriptions or how to
  return are none. Shops name topics as they like, so parts of words count, in any case. NULL where there is no topic.
-#}
{% macro is_complaint(topic) %}
    {%- set words = [
        'complain', 'deliver', 'shipp', 'parcel', 'courier', 'delay', 'product', 'quality', 'defect', 'damag', 'broken',
        'faulty', 'wrong', 'missing', 'billing', 'charge', 'refund',
    ] -%}
    {{- return(holdfast.matches('lower(' ~ topic ~ ')', words | join('|'))) -}}
{% endmacro %}
