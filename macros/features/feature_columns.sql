{#-
  The feature columns of some feature views of one entity, in order: a list of {view, name, type}. Empty while dbt parses, and where
  a view is not built yet.
-#}
{% macro feature_columns(views, entity=['customer_id']) %}
    {%- set keys = entity | map('lower') | list + ['as_of'] -%}
    {%- set features = [] -%}
    {%- set taken = {} -%}
    {%- for view in views -%}
        {%- set relation = holdfast._ref(view) -%}
        {%- if execute and holdfast.exists(relation) -%}
            {%- set columns = adapter.get_columns_in_relation(relation) -%}
            {%- set names = columns | map(attribute='name') | map('lower') | list -%}
            {%- for key in keys if key not in names -%}
                {%- do exceptions.raise_compiler_error(
                    'The feature view ' ~ holdfast._plain_name(view) ~ ' has no column ' ~ key ~ ', the key for joining its features '
                    ~ 'to those of other views; it has ' ~ names | join(', ') ~ '.'
                ) -%}
            {%- endfor -%}
            {%- for column in columns if column.name | lower not in keys -%}
                {%- set other = taken.get(column.name | lower) -%}
                {%- if other -%}
                    {%- do exceptions.raise_compiler_error(
                        'The feature views ' ~ other ~ ' and ' ~ holdfast._plain_name(view) ~ ' both have a feature ' ~ column.name
                        ~ '; rename one of them.'
                    ) -%}
                {%- endif -%}
                {%- do taken.update({column.name | lower: holdfast._plain_name(view)}) -%}
                {%- do features.append({'view': holdfast._plain_name(view), 'name': column.name, 'type': column.dtype}) -%}
            {%- endfor -%}
        {%- endif -%}
    {%- endfor -%}
    {{- return(features) -}}
{% endmacro %}
