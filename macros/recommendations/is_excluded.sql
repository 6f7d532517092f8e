{#-
  A SQL condition: whether the relation in the var `holdfast_recommendation_exclusions` takes a product out of all
  recommendations, by product_id or by category; never NULL. Of its rows each names a product, a category, or both.
-#}
{% macro is_excluded(product_id, category) %}
    {%- set relation = var('holdfast_recommendation_exclusions', none) -%}
    {%- if relation is none or relation | string | trim == '' -%}
        {{- return('false') -}}
    {%- endif -%}
    {%- set conditions = [] -%}
    {%- if execute -%}
        {%- set found = holdfast._column_types(relation) -%}
        {%- for column, value in [('product_id', product_id), ('category', category)] if column in found -%}
            {%- do conditions.append(
                'coalesce(cast(' ~ value ~ ' as varchar) in (select cast(' ~ column ~ ' as varchar) from ' ~ relation ~ ' where ' ~ column
                ~ ' is not null), false)'
            ) -%}
        {%- endfor -%}
        {%- if not conditions -%}
            {%- do exceptions.raise_compiler_error(
                'The relation in the var `holdfast_recommendation_exclusions` (' ~ relation ~ ') has neither a column product_id nor a column '
                ~ 'category; it needs one of them, and has ' ~ found.keys() | join(', ') ~ '.'
            ) -%}
        {%- endif -%}
    {%- endif -%}
    {{- return('(' ~ conditions | join(' or ') ~ ')' if conditions else 'false') -}}
{% endmacro %}
