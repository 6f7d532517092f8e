{#-
  What the project says of the columns of an input: their descriptions by name in lower case, from the yml of the model, seed
  or source behind it. Columns without a description are left out, and so is an input that is no relation of the project.
-#}
{% macro column_descriptions(input) %}
    {%- set descriptions = {} -%}
    {%- for node in holdfast._nodes_of_input(input) -%}
        {%- for name, column in node.columns.items() if column.description | trim -%}
            {%- do descriptions.update({name | lower: column.description | trim}) -%}
        {%- endfor -%}
    {%- endfor -%}
    {{- return(descriptions) -}}
{% endmacro %}


{#- The models, seeds and sources of the project that an input may be: none while dbt parses. -#}
{% macro _nodes_of_input(input) %}
    {%- set found = [] -%}
    {%- set relation = holdfast.input_relation(input) -%}
    {%- if execute and relation is not none -%}
        {%- set parts = (relation | string | lower | replace('"', '') | trim).split('.') -%}
        {%- for node in graph.nodes.values() | list + graph.sources.values() | list
            if node.resource_type in ['model', 'seed', 'snapshot', 'source'] and node.relation_name -%}
            {%- set told = (node.relation_name | lower | replace('"', '')).split('.') -%}
            {#- a relation may be written without its database, or its schema -#}
            {%- if told[-(parts | length):] == parts -%}
                {%- do found.append(node) -%}
            {%- endif -%}
        {%- endfor -%}
    {%- endif -%}
    {{- return(found) -}}
{% endmacro %}
