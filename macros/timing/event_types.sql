{#-
  The event types of the web events that mean one thing, `view` or `cart`, as SQL literals for an `in`: of the var
  `holdfast_web_event_types`, else the names that shops usually give them.
-#}
{% macro event_types(meaning) %}
    {%- set usual = {
        'view': ['view', 'product_view', 'view_item', 'view_product', 'product_viewed'],
        'cart': ['cart', 'add_to_cart', 'cart_add', 'added_to_cart', 'product_added'],
    } -%}
    {%- set own = holdfast.setting('web_event_types').get(meaning, usual[meaning]) -%}
    {{- return(holdfast._texts([own] if own is string else own) | join(', ')) -}}
{% endmacro %}
