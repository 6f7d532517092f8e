{#- The names of the feature views that make up customer_features: the shipped ones whose input is there, and the user's. -#}
{% macro feature_views() %}
    {%- set views = ['customer_order_features'] -%}
    {{- return(views + var('holdfast_feature_views', [])) -}}
{% endmacro %}


{#- A text as a SQL literal. -#}
{% macro _text(value) %}
    {{- return("'" ~ (value | replace("'", "''")) ~ "'") -}}
{% endmacro %}
