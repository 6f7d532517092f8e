{#-
  The features that say something personal, in lower case: columns that the yml of their view marks `meta: {pii: true}`, and those
  of a view that is marked so as a whole, unless the column itself says false.
-#}
{% macro personal_features() %}
    {%- set personal = [] -%}
    {#- also while dbt parses, when there are none, so that dbt sees which views are read -#}
    {%- set features = holdfast.feature_columns(holdfast.feature_views()) -%}
    {%- if execute -%}
        {%- for feature in features -%}
            {%- set node = holdfast._node_of(feature.view) -%}
            {%- set mark = namespace(pii=node.config.get('meta', {}).get('pii', false)) -%}
            {%- for name, column in node.columns.items() if name | lower == feature.name | lower -%}
                {%- set own = {} -%}
                {%- do own.update(column.get('meta') or {}) -%}
                {%- do own.update((column.get('config') or {}).get('meta') or {}) -%}
                {%- set mark.pii = own.get('pii', mark.pii) -%}
            {%- endfor -%}
            {%- if mark.pii -%}
                {%- do personal.append(feature.name | lower) -%}
            {%- endif -%}
        {%- endfor -%}
    {%- endif -%}
    {{- return(personal) -}}
{% endmacro %}
