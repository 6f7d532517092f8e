{#-
  The hook at the start of a run, before anything is built: checks every var and every task, hands the tasks to Holdfast's
  Python, whose version has to be that of this package, and says what `holdfast_reset: true` is about to drop.
-#}
{% macro on_run_start() %}
    {%- for name in holdfast.settings() -%}
        {%- do holdfast.setting(name) -%}
    {%- endfor -%}
    {%- if var('holdfast_demo', false) and var('holdfast_orders', none) is not none -%}
        {%- do exceptions.raise_compiler_error(
            'The vars `holdfast_demo` and `holdfast_orders` are both set: orders of yours would meet customers of the demo. Unset one.'
        ) -%}
    {%- endif -%}
    {%- if var('holdfast_live_tasks', none) is not none -%}
        {%- do exceptions.raise_compiler_error(
            'The var `holdfast_live_tasks` has become the setting `live: true` of a task in `holdfast_tasks`. Set it there, and drop the var.'
        ) -%}
    {%- endif -%}
    {%- set tasks = {} -%}
    {%- for name in holdfast.tasks() -%}
        {%- do tasks.update({name: holdfast.training_settings(name)}) -%}
    {%- endfor -%}
    {%- if execute -%}
        {%- do holdfast._check_materializations() -%}
        {%- for node in graph.nodes.values()
            if node.package_name != 'holdfast' and node.resource_type in ['model', 'seed', 'snapshot'] and node.name.startswith('holdfast__') -%}
            {%- do exceptions.raise_compiler_error(
                'The ' ~ node.resource_type ~ ' ' ~ node.name ~ ' of the package ' ~ node.package_name ~ ' has a name that begins with '
                ~ 'holdfast__, as only the models of Holdfast do. Rename it; its table may be called what you like.'
            ) -%}
        {%- endfor -%}
        {%- do holdfast.begin_run(tasks) -%}
        {%- do holdfast.check_session() -%}
        {%- do holdfast.check_vars() -%}
        {%- if holdfast.setting('reset') -%}
            {%- do holdfast._tell_reset() -%}
        {%- endif -%}
    {%- endif -%}
{% endmacro %}


{#- Tells Python of a run: the version of this package, and the tasks to train. -#}
{% macro begin_run(tasks) %}
    {{- return(adapter.dispatch('begin_run', 'holdfast')(tasks)) -}}
{% endmacro %}

{% macro default__begin_run(tasks) %}
    {%- do exceptions.raise_compiler_error(
        'The target ' ~ target.name ~ ' of the profile is ' ~ target.type ~ ', and the models of Holdfast are built on DuckDB: choose '
        ~ 'a target of type duckdb. docs/spark.md tells what Spark can do.'
    ) -%}
{% endmacro %}

{% macro duckdb__begin_run(tasks) %}
    {%- set is_there = run_query(
        "select count(*) from duckdb_functions() where function_name = 'holdfast_begin_run'"
    ).columns[0].values()[0] -%}
    {%- set wanted = 'dbt-holdfast==' ~ holdfast.version() -%}
    {%- if not is_there -%}
        {%- do exceptions.raise_compiler_error(
            'The profile has no plugin of Holdfast ' ~ holdfast.version() ~ '. Install ' ~ wanted
            ~ ' beside dbt, and add to the target in profiles.yml:  plugins: [{module: holdfast.plugin}]'
        ) -%}
    {%- endif -%}
    {%- set told = {'version': holdfast.version(), 'tasks': tasks} -%}
    {%- set answer = run_query('select holdfast_begin_run(' ~ holdfast._text(tojson(told)) ~ ')').columns[0].values()[0] -%}
    {%- if answer -%}
        {%- do exceptions.raise_compiler_error(answer) -%}
    {%- endif -%}
{% endmacro %}


{#-
  Refuses vars that begin with holdfast_ and are none of Holdfast's, and vars that reach only some models: those below the
  name of a package. Jinja knows no list of the vars that are set; Python reads the project's files and the command line.
-#}
{% macro check_vars() %}
    {{- return(adapter.dispatch('check_vars', 'holdfast')()) -}}
{% endmacro %}

{% macro default__check_vars() %}
{% endmacro %}

{% macro duckdb__check_vars() %}
    {%- set known = holdfast.known_vars() -%}
    {%- set short = [] -%}
    {%- for name in known -%}
        {%- do short.append(name[9:]) -%}
    {%- endfor -%}
    {%- for found in fromjson(run_query('select holdfast_vars()').columns[0].values()[0]) -%}
        {%- if found.name not in known -%}
            {%- set guess = holdfast._did_you_mean(found.name[9:], short) | replace('did you mean ', 'did you mean holdfast_') -%}
            {%- do exceptions.raise_compiler_error(
                'Holdfast has no var `' ~ found.name ~ '`, which stands in ' ~ found.place ~ guess ~ (' ' if guess else '. ')
                ~ 'Its vars are listed in README.md; names that begin with holdfast_ are kept for them.'
            ) -%}
        {%- elif found.scope -%}
            {%- do exceptions.raise_compiler_error(
                'The var `' ~ found.name ~ '` stands in ' ~ found.place ~ ' where only the package ' ~ found.scope
                ~ ' reads it; Holdfast and your own models would take different values. Move it to the top of `vars:` in '
                ~ "your project's dbt_project.yml."
            ) -%}
        {%- endif -%}
    {%- endfor -%}
{% endmacro %}


{#- Refuses settings of the session under which no SQL could mean what it says; all others make no difference. -#}
{% macro check_session() %}
    {{- return(adapter.dispatch('check_session', 'holdfast')()) -}}
{% endmacro %}

{% macro default__check_session() %}
{% endmacro %}

{% macro duckdb__check_session() %}
    {%- set needed = {
        'default_collation': ['', 'ids that differ in case or accents only would be one customer', 'collate the columns that need it'],
        'Calendar': ['gregorian', 'instants would be told in years of another calendar', 'convert dates where they are shown'],
        'arrow_lossless_conversion': ['false', 'counts would reach training as bytes', 'set it in the session that exports'],
    } -%}
    {%- set found = run_query('select name, value from duckdb_settings()') -%}
    {%- for row in found.rows if row[0] in needed and (row[1] or '') | lower != needed[row[0]][0] -%}
        {%- do exceptions.raise_compiler_error(
            'The session has the setting ' ~ row[0] ~ ': ' ~ row[1] ~ ', under which ' ~ needed[row[0]][1]
            ~ '. Take it out of `settings` of the target ' ~ target.name ~ ' in profiles.yml, and ' ~ needed[row[0]][2] ~ ' instead.'
        ) -%}
    {%- endfor -%}
{% endmacro %}


{#- Refuses what a project's own configs make of Holdfast's tables: a view would be computed by every reader, and trains nothing. -#}
{% macro _check_materializations() %}
    {%- set changed = [] -%}
    {%- for node in graph.nodes.values()
        if node.package_name == 'holdfast' and node.resource_type == 'model' and node.config.materialized in ['view', 'ephemeral'] -%}
        {#- what says so in its own file is what it was made to be -#}
        {%- set ships_as_view = node.path.startswith('inputs') or "materialized='view'" in node.raw_code -%}
        {%- if node.config.materialized == 'ephemeral' or not ships_as_view -%}
            {%- do changed.append(node) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- if changed -%}
        {%- set more = ' and ' ~ (changed | length - 1) ~ ' more models of Holdfast' if changed | length > 1 else '' -%}
        {%- do exceptions.raise_compiler_error(
            'A config of the project makes ' ~ changed[0].name ~ more ~ ' ' ~ changed[0].config.materialized ~ 's, and they have to be '
            ~ 'tables. Write `+materialized` below the name of your own project: models: {' ~ project_name ~ ': {+materialized: '
            ~ changed[0].config.materialized ~ '}}.'
        ) -%}
    {%- endif -%}
{% endmacro %}


{#-
  Says which tables of history this run is about to begin anew: Holdfast's own, and those of the project's tasks. A run that
  builds none of them drops nothing, and says so.
-#}
{% macro _tell_reset() %}
    {%- set kept = [] -%}
    {%- for node in graph.nodes.values() if node.resource_type == 'model' and node.config.meta.get('keeps_history', false) -%}
        {%- do kept.append(node) -%}
    {%- endfor -%}
    {%- for name in holdfast.tasks() if not holdfast.task(name).is_shipped -%}
        {%- for step in ['model', 'scores', 'holdout_predictions', 'outcomes'] -%}
            {%- for node in graph.nodes.values()
                if node.resource_type == 'model' and node.name == name ~ '_' ~ step and node not in kept -%}
                {%- do kept.append(node) -%}
            {%- endfor -%}
        {%- endfor -%}
    {%- endfor -%}
    {%- set told = [] -%}
    {%- for node in kept if node.unique_id in selected_resources -%}
        {%- set relation = adapter.get_relation(node.database, node.schema, node.alias) -%}
        {%- if relation is not none -%}
            {%- set rows = run_query('select count(*) from ' ~ relation).columns[0].values()[0] -%}
            {%- do log('holdfast_reset: dropping ' ~ rows ~ ' rows of history from ' ~ relation, info=true) -%}
            {%- do told.append(node) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- if not told -%}
        {%- do holdfast._tell_no_reset() -%}
    {%- endif -%}
{% endmacro %}


{% macro _tell_no_reset() %}
    {%- set command = 'docs generate' if flags.WHICH == 'generate' else flags.WHICH -%}
    {%- do log(
        'holdfast_reset: this `dbt ' ~ command ~ '` drops no history; `dbt build` and `dbt run` do, of the models that they select', info=true
    ) -%}
{% endmacro %}
