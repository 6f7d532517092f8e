{#-
  The features that a model of offers learns from, as feature_columns lists them: those of `holdfast_features`, else the few below
  and all of the project's own views. A trial tells little of what differs between customers, and the more features it is
  asked about, the less it can show of any.
-#}
{% macro offer_features() %}
    {%- set usual = [
        'days_since_order', 'days_since_order_per_gap', 'mean_order_gap_days', 'order_count_90d', 'order_count_365d',
        'order_count_last_year_90d', 'orders_lifetime', 'first_order_age_days', 'revenue_365d', 'average_order_365d',
        'discount_share_365d', 'return_share_365d', 'product_category_count_365d', 'web_session_count_30d', 'web_days_since_visit',
        'web_abandoned_cart_count_30d', 'ticket_complaint_count_90d', 'campaign_send_count_90d', 'campaign_open_rate_365d',
        'subscription_is_active',
    ] -%}
    {%- set wanted = holdfast.setting('features') | map('lower') | list -%}
    {%- set unwanted = holdfast.setting('exclude_features') | map('lower') | list -%}
    {%- set own = [] -%}
    {%- for view in var('holdfast_feature_views', []) -%}
        {%- do own.append(holdfast._plain_name(view)) -%}
    {%- endfor -%}
    {%- set features = [] -%}
    {%- for feature in holdfast.feature_columns(holdfast.feature_views()) -%}
        {%- set name = feature.name | lower -%}
        {%- set is_wanted = name in wanted if wanted else (name in usual or feature.view in own) -%}
        {%- if is_wanted and name not in unwanted -%}
            {%- do features.append(feature) -%}
        {%- endif -%}
    {%- endfor -%}
    {{- return(features) -}}
{% endmacro %}
