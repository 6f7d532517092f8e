{#-
  The names of the feature views that make up customer_features: the shipped ones whose inputs are there, and the user's
  own, which `holdfast_feature_views` adds.
-#}
{% macro feature_views() %}
    {%- set views = ['holdfast__customer_order_features'] -%}
    {%- set optional = {
        'holdfast__customer_product_features': ['order_items', 'products'],
        'holdfast__customer_web_features': ['web_events'],
        'holdfast__customer_event_features': ['events'],
        'holdfast__customer_support_features': ['support_tickets'],
        'holdfast__customer_campaign_features': ['campaign_sends'],
        'holdfast__customer_subscription_features': ['subscriptions'],
        'holdfast__customer_feedback_features': ['feedback'],
        'holdfast__customer_attribute_features': ['customers'],
    } -%}
    {%- for view, inputs in optional.items() -%}
        {%- set absent = [] -%}
        {%- for input in inputs if not holdfast.has_input(input) -%}
            {%- do absent.append(input) -%}
        {%- endfor -%}
        {%- if not absent -%}
            {%- do views.append(view) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- for view in ['holdfast__calendar_features'] + var('holdfast_feature_views', []) if view not in views -%}
        {%- do views.append(view) -%}
    {%- endfor -%}
    {{- return(views) -}}
{% endmacro %}
