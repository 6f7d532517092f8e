{#-
  A model by the name that a person gives it, as dbt's graph has it. `customer_features` is the project's own model of that
  name, or else Holdfast's, whose full name is holdfast__customer_features; a `package` that is named comes first.
-#}
{% macro _node_of(name, package=none) %}
    {%- if '.' in name -%}
        {%- set package = name.split('.')[0] -%}
        {%- set name = name.split('.')[1] -%}
    {%- endif -%}
    {%- for owner, model_name in [(package or project_name, name), ('holdfast', name), ('holdfast', 'holdfast__' ~ name)] -%}
        {%- set node = graph.nodes.get('model.' ~ owner ~ '.' ~ model_name) -%}
        {%- if node is not none -%}
            {{- return(node) -}}
        {%- endif -%}
    {%- endfor -%}
    {%- set found = graph.nodes.values() | selectattr('resource_type', 'equalto', 'model') | selectattr('name', 'equalto', name) | list -%}
    {%- if found | length != 1 -%}
        {%- do exceptions.raise_compiler_error("There is no model '" ~ name ~ "'; name a feature view.") -%}
    {%- endif -%}
    {{- return(found[0]) -}}
{% endmacro %}


{#- The node of the model that a relation was built from. -#}
{% macro _node_behind(relation) %}
    {%- for node in graph.nodes.values()
        if node.resource_type == 'model' and node.alias == relation.identifier and node.schema == relation.schema -%}
        {{- return(node) -}}
    {%- endfor -%}
    {%- do exceptions.raise_compiler_error('No model of this project builds ' ~ relation ~ '.') -%}
{% endmacro %}


{#- The relation of a model by its name, as SQL. -#}
{% macro _relation_of(name, package=none) %}
    {%- set node = holdfast._node_of(name, package) -%}
    {{- return(api.Relation.create(database=node.database, schema=node.schema, identifier=node.alias)) -}}
{% endmacro %}


{#- The relation of one of Holdfast's own models, whatever models the project has. -#}
{% macro _own_relation(name) %}
    {%- set node = graph.nodes['model.holdfast.holdfast__' ~ name] -%}
    {{- return(api.Relation.create(database=node.database, schema=node.schema, identifier=node.alias)) -}}
{% endmacro %}


{#-
  A model's ref by its full name: what begins with holdfast__ is Holdfast's, `package.model` that of another package, all else the
  project's own. Every one says whose it is: dbt warns of cycles where a package leaves that open.
-#}
{% macro _ref(name) %}
    {%- if name.startswith('holdfast__') -%}
        {{- return(ref('holdfast', name)) -}}
    {%- elif '.' in name -%}
        {{- return(ref(name.split('.')[0], name.split('.')[1])) -}}
    {%- endif -%}
    {{- return(ref(project_name, name)) -}}
{% endmacro %}


{#- What people call a model: its name without its package, or without the prefix that keeps Holdfast's models apart. -#}
{% macro _plain_name(name) %}
    {{- return(name[10:] if name.startswith('holdfast__') else name.split('.')[-1]) -}}
{% endmacro %}


{#- A value of one of Holdfast's tables, as a query in brackets; none where the table is not there. -#}
{% macro _query_of(name, value, condition=none) %}
    {%- if 'model.holdfast.holdfast__' ~ name not in graph.nodes -%}
        {{- return(none) -}}
    {%- endif -%}
    {%- set relation = holdfast._own_relation(name) -%}
    {%- if not holdfast.exists(relation) -%}
        {{- return(none) -}}
    {%- endif -%}
    {{- return('(select ' ~ value ~ ' from ' ~ relation ~ (' where ' ~ condition if condition else '') ~ ')') -}}
{% endmacro %}


{#- Whether a unit test runs the model: it brings its own vars and its own inputs. -#}
{% macro _is_unit_test() %}
    {{- return(model is defined and model is not none and model.resource_type | string == 'unit_test') -}}
{% endmacro %}
