{#- The feature columns of some feature views, in order: a list of {view, name}. Empty while dbt parses,
    and where a view is not built yet. -#}
{% macro feature_columns(views, keys=['customer_id', 'as_of']) %}
    {%- set features = [] -%}
    {%- set taken = {} -%}
    {%- for view in views -%}
        {%- set relation = holdfast._ref(view) -%}
        {%- if execute and holdfast.exists(relation) -%}
            {%- for column in adapter.get_columns_in_relation(relation) if column.name | lower not in keys -%}
                {%- set other = taken.get(column.name | lower) -%}
                {%- if other -%}
                    {%- do exceptions.raise_compiler_error(
                        'The feature views ' ~ other ~ ' and ' ~ holdfast._plain_name(view) ~ ' both have a feature ' ~ column.name
                        ~ '; rename one, so that a name means one thing.'
                    ) -%}
                {%- endif -%}
                {%- do taken.update({column.name | lower: holdfast._plain_name(view)}) -%}
                {%- do features.append({'view': holdfast._plain_name(view), 'name': column.name}) -%}
            {%- endfor -%}
        {%- endif -%}
    {%- endfor -%}
    {{- return(features) -}}
{% endmacro %}
