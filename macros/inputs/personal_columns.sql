{#-
  The columns of an input that are personal, in lower case: those that the yml of the model, seed or source behind it marks
  `meta: {pii: true}`. An input that is no relation of the project has no yml, and so no marks.
-#}
{% macro personal_columns(input) %}
    {%- set personal = [] -%}
    {%- set relation = holdfast.input_relation(input) -%}
    {%- if execute and relation is not none -%}
        {%- set parts = (relation | string | lower | replace('"', '') | trim).split('.') -%}
        {%- for node in graph.nodes.values() | list + graph.sources.values() | list
            if node.resource_type in ['model', 'seed', 'snapshot', 'source'] and node.relation_name -%}
            {%- set told = (node.relation_name | lower | replace('"', '')).split('.') -%}
            {#- a relation may be written without its database, or its schema -#}
            {%- if told[-(parts | length):] == parts -%}
                {%- for name, column in node.columns.items() -%}
                    {%- set meta = {} -%}
                    {%- do meta.update(column.get('meta') or {}) -%}
                    {%- do meta.update((column.get('config') or {}).get('meta') or {}) -%}
                    {%- if meta.get('pii') -%}
                        {%- do personal.append(name | lower) -%}
                    {%- endif -%}
                {%- endfor -%}
            {%- endif -%}
        {%- endfor -%}
    {%- endif -%}
    {{- return(personal) -}}
{% endmacro %}
