{#-
  The features that say something personal, in lower case: columns that the yml of their view marks `meta: {pii: true}`, and those
  of a view that is marked so as a whole, unless the column itself says false; and attributes that are personal columns of the
  customers input. Models may learn from them; nobody is told their values.
-#}
{% macro personal_features() %}
    {%- set personal = [] -%}
    {#- also while dbt parses: the input may be a ref -#}
    {%- for column in holdfast.personal_columns('customers') -%}
        {%- do personal.append('attribute_' ~ column) -%}
    {%- endfor -%}
    {#- which views there are says what inputs there are, and those may be refs, too -#}
    {%- set views = holdfast.feature_views() -%}
    {%- if execute -%}
        {%- for view in views -%}
            {%- set node = holdfast._node_of(view) -%}
            {%- set is_personal = node.config.get('meta', {}).get('pii', false) -%}
            {%- set marks = {} -%}
            {%- for name, column in node.columns.items() -%}
                {%- set meta = {} -%}
                {%- do meta.update(column.get('meta') or {}) -%}
                {%- do meta.update((column.get('config') or {}).get('meta') or {}) -%}
                {%- do marks.update({name | lower: meta.get('pii', is_personal)}) -%}
            {%- endfor -%}
            {%- set relation = holdfast._relation_of(view) -%}
            {%- if is_personal and holdfast.exists(relation) -%}
                {%- for column in adapter.get_columns_in_relation(relation) if column.name | lower not in marks -%}
                    {%- do marks.update({column.name | lower: true}) -%}
                {%- endfor -%}
            {%- endif -%}
            {%- for name, is_marked in marks.items() if is_marked -%}
                {%- do personal.append(name) -%}
            {%- endfor -%}
        {%- endfor -%}
    {%- endif -%}
    {{- return(personal) -}}
{% endmacro %}
