{#-
  A SQL expression: what ranks candidates where no model could be trained, a fixed blend of what speaks for each. It is a
  number to rank by, and no probability.
-#}
{% macro recommendation_blend() %}
    {%- set parts = [] -%}
    {%- for column, weight in {
        'frequency_365d': '1e0', 'co_bought': '3e-1', 'buyer_share_28d': '2e0', 'order_share': '5e-1',
    }.items() -%}
        {%- do parts.append(weight ~ ' * coalesce(cast(' ~ column ~ ' as double), 0e0)') -%}
    {%- endfor -%}
    {%- for column, weight in {'carts_7d': '1e0', 'views_90d': '2e-1'}.items() -%}
        {%- do parts.append(weight ~ ' * least(coalesce(cast(' ~ column ~ ' as double), 0e0), 5e0)') -%}
    {%- endfor -%}
    {{- return(parts | join(' + ')) -}}
{% endmacro %}
