{#-
  A feature view computed for other rows: its SQL is rendered anew with ref() exchanged for one that gives the names of tables,
  and in that SQL the name of its spine is replaced by `spine`, SQL that is a relation of the same columns. `exchanged`,
  {relation: SQL}, replaces further relations. Gives {sql, entity, spine, events}: entity is that of the view, spine the table
  that it has in its own build, events what _note_events heard.

  No code of the author's is taken apart: dbt's `context` holds the functions that a model may call, and while the view
  renders `ref` there is _ref_as_text. So refs over several lines, with version= or names from variables, in
  comments, in macros and in vars are all found. The spine is what feature_view is given, else customer_spine.

  What this cannot do stops the compile: a ref that no table stands for (an ephemeral model), a view that reads no spine by
  ref, one with several spines. `source()` and relations named as text stay as they are. Called in a test, a view finds only
  the macros of Holdfast that _macros_of_views names: dbt gives a test none that it does not see in it.
-#}
{% macro render_view(node, spine, exchanged={}) %}
    {%- set heard = {'view': node.name, 'relations': {}, 'spines': [], 'entities': [], 'events': []} -%}
    {%- set own = {} -%}
    {%- for name in ['ref', 'this', 'is_incremental', 'holdfast_view'] -%}
        {%- do own.update({name: context.get(name)}) -%}
    {%- endfor -%}
    {%- do context.update({
        'ref': holdfast._ref_as_text, 'is_incremental': holdfast._is_never_incremental, 'holdfast_view': heard,
        'this': api.Relation.create(database=node.database, schema=node.schema, identifier=node.alias),
    }) -%}
    {%- set rendered = namespace(sql=render(node.raw_code)) -%}
    {%- for name, value in own.items() -%}
        {%- if value is none -%}
            {%- do context.pop(name) -%}
        {%- else -%}
            {%- do context.update({name: value}) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- if false -%}
        {{ holdfast._macros_of_views() }}
    {%- endif -%}

    {%- set spines = [] -%}
    {%- for given in heard.spines | unique if given in heard.relations -%}
        {%- do spines.append(given) -%}
    {%- endfor -%}
    {%- if not spines -%}
        {%- do spines.append(holdfast._own_relation('customer_spine') | string) -%}
    {%- endif -%}
    {%- if spines | length > 1 -%}
        {%- do holdfast._refuse_render(node, 'has several spines (' ~ spines | join(', ') ~ '); give each a view of its own') -%}
    {%- endif -%}
    {%- if spines[0] not in rendered.sql -%}
        {%- do holdfast._refuse_render(
            node, "reads no spine by ref(): begin it with ref('holdfast', 'holdfast__customer_spine'), or with what it gives feature_view"
        ) -%}
    {%- endif -%}
    {%- for relation, sql in exchanged.items() -%}
        {%- set rendered.sql = rendered.sql | replace(relation, sql) -%}
    {%- endfor -%}
    {{- return({
        'sql': rendered.sql | replace(spines[0], spine), 'entity': holdfast._entity_of(node, heard.entities), 'spine': spines[0],
        'events': heard.events,
    }) -}}
{% endmacro %}


{#-
  What ref() is while a view renders for other rows: the name of the table, as text. feature_view knows a relation given as
  text by its name only, and so takes the form that fits any spine.
-#}
{% macro _ref_as_text(first, second=none, version=none, v=none) %}
    {%- set version = v if version is none else version -%}
    {%- set package = first if second else none -%}
    {%- set name = second or first -%}
    {%- set found = namespace(node=none) -%}
    {%- for owner in ([package] if package else [project_name, 'holdfast']) -%}
        {%- for node in graph.nodes.values()
            if node.name == name and node.package_name == owner and node.resource_type in ['model', 'seed', 'snapshot'] -%}
            {%- set wanted = node.get('latest_version') if version is none else version -%}
            {%- if found.node is none and node.get('version') | string == wanted | string -%}
                {%- set found.node = node -%}
            {%- endif -%}
        {%- endfor -%}
    {%- endfor -%}
    {%- set heard = context['holdfast_view'] -%}
    {%- if found.node is none -%}
        {%- set found.node = holdfast._node_of(name, package) -%}
    {%- endif -%}
    {%- if found.node.config.materialized == 'ephemeral' -%}
        {%- do holdfast._refuse_render(
            heard.view, 'reads ' ~ name ~ ", an ephemeral model, which has no table; make it a view: materialized='view'"
        ) -%}
    {%- endif -%}
    {%- set relation = api.Relation.create(
        database=found.node.database, schema=found.node.schema, identifier=found.node.alias
    ) | string -%}
    {%- do heard.relations.update({relation: name}) -%}
    {{- return(relation) -}}
{% endmacro %}


{#- For other rows all of them are computed, whatever the model is that asks. -#}
{% macro _is_never_incremental() %}
    {{- return(false) -}}
{% endmacro %}


{#- Notes the spine and the entity that a view gives feature_view or as_of_join, while it renders for other rows. -#}
{% macro _note_spine(spine, entity) %}
    {%- set heard = context.get('holdfast_view') -%}
    {%- if heard is not none -%}
        {%- if spine is not string and holdfast.exists(spine) -%}
            {%- do holdfast._refuse_render(heard.view, 'has the spine ' ~ spine ~ ', which is not given by ref()') -%}
        {%- endif -%}
        {%- do heard.spines.append(spine | string) -%}
        {%- if entity not in heard.entities -%}
            {%- do heard.entities.append(entity) -%}
        {%- endif -%}
    {%- endif -%}
{% endmacro %}


{#-
  Notes the tables that a view gives feature_view as events, while it renders for other rows: {relation, event_at, known_at,
  names}, where `names` is all SQL that names their columns.
-#}
{% macro _note_events(events, view) %}
    {%- set heard = context.get('holdfast_view') -%}
    {%- if heard is not none and events is string -%}
        {%- set names = [view.entity | join(' ')] -%}
        {%- for column in view.columns -%}
            {%- do names.append(column.sql ~ ' ' ~ (column.where or '')) -%}
        {%- endfor -%}
        {%- do heard.events.append({
            'relation': events, 'event_at': view.event_at, 'known_at': view.known_at, 'names': names | join(' '),
        }) -%}
    {%- endif -%}
{% endmacro %}


{#- The entity of a view: `meta: {entity: […]}` in its config, else the `entity` of its feature views, else the customer. -#}
{% macro _entity_of(node, entities) %}
    {%- set declared = node.config.get('meta', {}).get('entity') -%}
    {%- if declared is not none -%}
        {%- if declared is string or declared is not sequence or declared | length == 0 -%}
            {%- do holdfast._refuse_render(node, "has the entity " ~ declared ~ '; it must be a list of columns, such as [customer_id]') -%}
        {%- endif -%}
        {{- return(declared | list) -}}
    {%- endif -%}
    {%- if entities | length > 1 -%}
        {%- do holdfast._refuse_render(
            node, 'is made of feature views of several entities (' ~ entities | map('join', ', ') | join('; ')
            ~ '); say in its config whose rows it has, for example meta: {entity: [customer_id]}'
        ) -%}
    {%- endif -%}
    {{- return(entities[0] if entities else ['customer_id']) -}}
{% endmacro %}


{% macro _refuse_render(view, message) %}
    {%- set name = view if view is string else view.name -%}
    {%- do exceptions.raise_compiler_error('The feature view ' ~ name ~ ' cannot be computed for other rows: it ' ~ message ~ '.') -%}
{% endmacro %}


{#- Never called. dbt gives a test the macros that it finds named in it, and views are rendered inside tests. -#}
{% macro _macros_of_views() %}
    {{ holdfast.feature_view() }}{{ holdfast.as_of_join() }}{{ holdfast.setting() }}{{ holdfast.as_of_date() }}
    {{ holdfast.has_input() }}{{ holdfast.input_relation() }}{{ holdfast.days_between() }}{{ holdfast.months_between() }}
    {{ holdfast.whole_numbers() }}{{ holdfast.months() }}{{ holdfast.plus_days() }}{{ holdfast.plus_months() }}
    {{ holdfast.as_utc() }}{{ holdfast.row_hash() }}{{ holdfast.stable_number() }}{{ holdfast.json_text() }}
    {{ holdfast.to_json_text() }}{{ holdfast.all_but() }}{{ holdfast.all_with() }}{{ holdfast.value_at_max() }}
    {{ holdfast.matches() }}{{ holdfast.list_of() }}{{ holdfast.list_item() }}{{ holdfast.list_rows() }}
    {{ holdfast.sorted_distinct() }}{{ holdfast.unpivoted() }}{{ holdfast.memberships() }}{{ holdfast.quoted() }}
    {{ holdfast.text() }}{{ holdfast.told_by() }}{{ holdfast.attribute_columns() }}{{ holdfast.horizon_windows() }}
    {{ holdfast.event_columns() }}{{ holdfast.event_slot() }}{{ holdfast.kept_event_types() }}{{ holdfast.event_inputs() }}
    {{ holdfast.normal_event_type() }}
{% endmacro %}
