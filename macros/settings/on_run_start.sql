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
            'The vars `holdfast_demo` and `holdfast_orders` are both set, which would mix your orders with the customers of the demo. Unset one.'
        ) -%}
    {%- endif -%}
    {%- if var('holdfast_live_tasks', none) is not none -%}
        {%- do exceptions.raise_compiler_error(
            'The var `holdfast_live_tasks` was replaced by `live: true` for a task in `holdfast_tasks`. Set it there, and remove the var.'
        ) -%}
    {%- endif -%}
    {%- set tasks = holdfast.training_of_tasks() -%}
    {%- if execute -%}
        {%- set given = env_var('HOLDFAST_AS_OF_DATE', '') | trim -%}
        {%- if given and holdfast.setting('as_of_date') != given -%}
            {%- do exceptions.raise_compiler_error(
                'The environment variable HOLDFAST_AS_OF_DATE is ' ~ given ~ ', and the var `holdfast_as_of_date` is '
                ~ holdfast.setting('as_of_date') ~ '. Unset one.'
            ) -%}
        {%- endif -%}
        {%- do holdfast._check_materializations() -%}
        {%- for node in graph.nodes.values()
            if node.package_name != 'holdfast' and node.resource_type in ['model', 'seed', 'snapshot']
            and (node.name.startswith('holdfast__') or node.name.startswith('stg_holdfast__')) -%}
            {#- dbt would run the tests of Holdfast's model of that name on this one -#}
            {%- do exceptions.raise_compiler_error(
                'The ' ~ node.resource_type ~ ' ' ~ node.name ~ ' of the package ' ~ node.package_name ~ ' has a name that begins with '
                ~ 'holdfast__ or stg_holdfast__, which is reserved for the models of Holdfast. Rename it; its alias may be any name.'
            ) -%}
        {%- endfor -%}
        {%- for node in graph.nodes.values()
            if node.resource_type == 'model' and node.config.meta.get('training') is mapping and 'label' in node.config.meta.training -%}
            {%- set former = node.config.meta.training -%}
            {%- do exceptions.raise_compiler_error(
                'The model ' ~ node.name ~ ' has training settings in its `meta`, which are no longer read. Move them to '
                ~ 'the var `holdfast_tasks` (holdfast_tasks: {' ~ former.get('task', 'return') ~ ': {label: ' ~ former.label ~ ', …}}), and '
                ~ 'remove `meta: training`; docs/add_a_task.md lists the keys.'
            ) -%}
        {%- endfor -%}
        {%- do holdfast._check_time_spine() -%}
        {%- do holdfast.begin_run(tasks) -%}
        {%- do holdfast.check_session() -%}
        {%- do holdfast.check_vars() -%}
        {%- if holdfast.setting('reset') -%}
            {%- do holdfast._tell_reset() -%}
        {%- endif -%}
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
        {%- do holdfast.tell_no_reset() -%}
    {%- endif -%}
{% endmacro %}
