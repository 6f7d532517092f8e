{#-
  The select of a feature view for a spine of your own: the very definition of the view, computed for other rows.
  `spine` is a relation with the entity's columns and `as_of` (timestamp, UTC), arbitrary moments allowed.
-#}
{% macro features_at(view, spine) %}
    {#- so that dbt builds what the view reads before the model that calls this -#}
    {%- do ref(view) -%}
    {%- if not execute -%}
        {{- return('select 1 as parse_only') -}}
    {%- endif -%}
    {{- return(holdfast._render_view(holdfast._node_of(view), {'customer_spine': spine | string})) -}}
{% endmacro %}


{#- The node of a model by its name, in whatever package. -#}
{% macro _node_of(name) %}
    {%- set found = graph.nodes.values() | selectattr('resource_type', 'equalto', 'model') | selectattr('name', 'equalto', name) | list -%}
    {%- if found | length != 1 -%}
        {%- do exceptions.raise_compiler_error("There is no model '" ~ name ~ "'; name a feature view.") -%}
    {%- endif -%}
    {{- return(found[0]) -}}
{% endmacro %}


{#- The relation of a model by its name. -#}
{% macro _relation_of(name) %}
    {%- set node = holdfast._node_of(name) -%}
    {{- return(api.Relation.create(database=node.database, schema=node.schema, identifier=node.alias)) -}}
{% endmacro %}


{#-
  A model's SQL, rendered anew with some of the models that it refs exchanged for other relations ({name: SQL}). Views
  know a relation given as text by its name only, so a view renders in the form that fits any spine.
-#}
{% macro _render_view(node, exchanged) %}
    {#- a view's config may ask for vars that hold refs, which dbt allows in the view alone -#}
    {%- set code = namespace(text=modules.re.sub('(?s)\{\{\s*config\(.*?\}\}', '', node.raw_code)) -%}
    {%- for call in modules.re.findall('ref\(\s*[^()]*\)', node.raw_code) | unique -%}
        {%- set name = modules.re.findall('[\'"]([^\'"]+)[\'"]', call) | last -%}
        {%- if name in exchanged -%}
            {%- set relation = exchanged[name] -%}
        {%- else -%}
            {%- set relation = holdfast._relation_of(name) | string -%}
        {%- endif -%}
        {%- set code.text = code.text | replace(call, tojson(relation)) -%}
    {%- endfor -%}
    {{- return(render(code.text)) -}}
{% endmacro %}
