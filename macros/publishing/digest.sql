{#-
  Sums up in a few lines what a run has left: the as-of date, the champion of each task and whether it was trained, how many
  customers are scored and at risk, what was published, what failed or warns, and where the time went. Counts and names of
  models, columns and tests only: no line holds anything of one customer. A part of the tables may be of an earlier run; then
  the digest says so. `dbt test` gets the lines about tests.
-#}
{% macro digest(results, publication, publishing_seconds) %}
    {%- set own = [] -%}
    {%- for result in results if result.node.package_name == 'holdfast' and result.node.resource_type | string != 'operation' -%}
        {%- do own.append(result) -%}
    {%- endfor -%}
    {%- if not own or flags.WHICH not in ['build', 'run', 'test'] or not holdfast.has_plugin() -%}
        {{- return('') -}}
    {%- endif -%}
    {%- set lines = [] -%}
    {%- if flags.WHICH != 'test' -%}
        {%- do lines.append(holdfast._digest_date(results)) -%}
        {%- do lines.extend(holdfast._digest_models()) -%}
        {%- do lines.extend(holdfast._digest_scores(results)) -%}
        {%- do lines.extend(holdfast._digest_decisions()) -%}
        {%- if publication.error -%}
            {%- do lines.append('Publishing failed, the earlier publication stays in place: ' ~ publication.error) -%}
        {%- elif publication.said -%}
            {%- do lines.append(publication.said) -%}
        {%- endif -%}
    {%- endif -%}
    {%- do lines.extend(holdfast._digest_problems(results)) -%}
    {%- if flags.WHICH != 'test' -%}
        {%- do lines.append(holdfast._digest_time(results, publishing_seconds)) -%}
    {%- endif -%}
    {%- for line in lines -%}
        {%- do log(line, info=true) -%}
    {%- endfor -%}
    {{- return('') -}}
{% endmacro %}


{#- Whether this run has built a model of Holdfast's. -#}
{% macro _was_built(name, results) %}
    {%- for result in results if result.node.unique_id == 'model.holdfast.holdfast__' ~ name -%}
        {{- return(result.status | string == 'success') -}}
    {%- endfor -%}
    {{- return(false) -}}
{% endmacro %}


{#- The date for which the table that people read stands; a run that failed before it leaves that of an earlier one. -#}
{% macro _digest_date(results) %}
    {%- set date = holdfast._query_of('customer_retention', 'max(as_of_date)') -%}
    {%- set found = run_query('select ' ~ date).columns[0].values()[0] if date else none -%}
    {%- if not found -%}
        {{- return('Holdfast: customer_retention is not built yet') -}}
    {%- endif -%}
    {{- return(
        'Holdfast, as of ' ~ found
        ~ ('' if holdfast._was_built('customer_retention', results) else ': customer_retention is from an earlier run; this one did not build it')
    ) -}}
{% endmacro %}


{#- A line for each task: its champion, since when, and whether this run trained. -#}
{% macro _digest_models() %}
    {%- set told = fromjson(run_query('select holdfast_trained()').columns[0].values()[0]) -%}
    {%- set registry = holdfast._own_relation('model_registry') -%}
    {%- set noted = holdfast._own_relation('model_champions') -%}
    {%- set champions = {} -%}
    {%- if holdfast.exists(registry) -%}
        {%- for row in run_query("select task, model_id, algorithm, trained_at from " ~ registry ~ " where stage = 'champion'").rows -%}
            {%- do champions.update({row[0]: {'model_id': row[1], 'algorithm': row[2], 'since': row[3]}}) -%}
        {%- endfor -%}
    {%- endif -%}
    {%- if champions and holdfast.exists(noted) -%}
        {%- for row in run_query(
            'select task, ' ~ holdfast.value_at_max('model_id', 'champion_from') ~ ', max(champion_from) from ' ~ noted ~ ' group by task'
        ).rows if row[0] in champions and champions[row[0]].model_id == row[1] -%}
            {%- do champions[row[0]].update({'since': row[2]}) -%}
        {%- endfor -%}
    {%- endif -%}
    {%- set lines = [] -%}
    {%- for task in holdfast.tasks() -%}
        {%- set champion = champions.get(task) -%}
        {%- if champion or task in told or task == 'churn' -%}
            {%- set who = 'no champion yet' if holdfast.exists(registry) else 'model_registry is not built yet' -%}
            {%- if champion -%}
                {%- set who = 'champion ' ~ champion.model_id ~ ' (' ~ champion.algorithm ~ ') since ' ~ (champion.since | string)[:10] -%}
            {%- endif -%}
            {%- do lines.append('Model ' ~ task ~ ': ' ~ who ~ '; ' ~ told.get(task, 'training was not part of this run')) -%}
        {%- endif -%}
    {%- endfor -%}
    {{- return(lines) -}}
{% endmacro %}


{#- How many customers are scored and why others are not, and how many of them are at risk. -#}
{% macro _digest_scores(results) %}
    {%- set relation = holdfast._own_relation('customer_retention') -%}
    {%- set counted = holdfast._query_of('customer_retention', 'count(*)') -%}
    {%- if not counted -%}
        {{- return([]) -}}
    {%- endif -%}
    {%- set statuses = [] -%}
    {%- set scored = namespace(count=0, by_fallback=0) -%}
    {%- for row in run_query(
        'select status, count(*) from ' ~ relation ~ ' group by status order by 2 desc nulls last, 1 asc nulls last'
    ).rows -%}
        {%- if row[0] == 'scored' -%}
            {%- set scored.count = scored.count + row[1] | int -%}
        {%- elif row[0] == 'scored_by_fallback' -%}
            {%- set scored.count = scored.count + row[1] | int -%}
            {%- set scored.by_fallback = row[1] | int -%}
        {%- else -%}
            {%- do statuses.append('{:,}'.format(row[1] | int) ~ ' ' ~ row[0]) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- set can_be_kept = 'is_keepable' in adapter.get_columns_in_relation(relation) | map(attribute='name') | map('lower') | list -%}
    {%- set row = run_query(
        "select count(*) filter (where risk_band = 'high'), count(*) filter (where "
        ~ ("is_keepable and status in ('scored', 'scored_by_fallback')" if can_be_kept else "status in ('scored', 'scored_by_fallback')") ~ ') from ' ~ relation
    ).rows[0] -%}
    {{- return([
        'Scored: ' ~ '{:,}'.format(scored.count) ~ ' customers' ~ (
            ', ' ~ '{:,}'.format(scored.by_fallback) ~ ' of them by the fallback' if scored.by_fallback
        ) ~ ('; not scored: ' ~ statuses | join(', ') if statuses else ''),
        'At risk: ' ~ '{:,}'.format(row[0] | int) ~ ' of ' ~ '{:,}'.format(row[1] | int)
        ~ (' scored customers who can still be kept' if can_be_kept else ' scored customers') ~ ' (risk_band high)',
    ]) -}}
{% endmacro %}


{#- How many decisions wait for somebody and how many customers are to be contacted; nothing where nothing was decided. -#}
{% macro _digest_decisions() %}
    {%- set counts = {} -%}
    {%- for what, table, condition in [
        ('all', 'decisions', none), ('waiting', 'decisions', "status = 'needs_review'"),
        ('held', 'decisions', "status = 'approved' and held_because is not null"), ('listed', 'contact_list', none),
        ('problems', 'approval_problems', none),
    ] -%}
        {%- set query = holdfast._query_of(table, 'count(*)', condition) -%}
        {%- do counts.update({what: run_query('select ' ~ query).columns[0].values()[0] | int if query else 0}) -%}
    {%- endfor -%}
    {%- if not counts.all and not counts.problems -%}
        {{- return([]) -}}
    {%- endif -%}
    {{- return([
        'Decisions: ' ~ '{:,}'.format(counts.waiting) ~ ' for review' ~ (' (holdfast review)' if counts.waiting else '')
        ~ ', ' ~ '{:,}'.format(counts.listed) ~ ' on the contact list'
        ~ (', ' ~ '{:,}'.format(counts.held) ~ ' approved but held back' if counts.held else '')
        ~ ('; approvals that decide nothing: ' ~ '{:,}'.format(counts.problems) if counts.problems else '')
    ]) -}}
{% endmacro %}


{#- What failed and what warns, by name, with the columns and features that a test names. -#}
{% macro _digest_problems(results) %}
    {%- set failed = [] -%}
    {%- set warned = [] -%}
    {%- set skipped = [] -%}
    {%- for result in results -%}
        {%- set status = result.status | string -%}
        {%- if status in ['error', 'fail', 'runtime error'] -%}
            {%- do failed.append(holdfast._digest_name(result)) -%}
        {%- elif status == 'warn' -%}
            {%- do warned.append(holdfast._digest_name(result)) -%}
        {%- elif status == 'skipped' -%}
            {%- do skipped.append(1) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- set lines = [] -%}
    {%- if failed -%}
        {%- do lines.append('Failed: ' ~ holdfast._first_few(failed) ~ ('; ' ~ skipped | length ~ ' nodes were skipped' if skipped else '')) -%}
    {%- endif -%}
    {%- if flags.WHICH in ['build', 'test'] or warned -%}
        {%- do lines.append('Warnings: ' ~ (holdfast._first_few(warned) if warned else 'none')) -%}
    {%- endif -%}
    {{- return(lines) -}}
{% endmacro %}


{% macro _first_few(names, most=5, between='; ') %}
    {{- return(names[:most] | join(between) ~ (between ~ 'and ' ~ (names | length - most) ~ ' more' if names | length > most else '')) -}}
{% endmacro %}


{#- A model or test as people call it; a test of Holdfast's with the columns or features that it has found. -#}
{% macro _digest_name(result) %}
    {%- set node = result.node -%}
    {%- if node.resource_type | string != 'test' -%}
        {{- return(holdfast._plain_name(node.name)) -}}
    {%- endif -%}
    {%- set name = node.name -%}
    {%- set test = node.get('test_metadata') if node is mapping else node.test_metadata -%}
    {%- if test -%}
        {%- set tested = graph.nodes.get(node.attached_node or '') -%}
        {%- set name = test.name ~ (' of ' ~ tested.alias if tested else '') ~ (' (' ~ node.column_name ~ ')' if node.column_name else '') -%}
    {%- endif -%}
    {%- set code = node.compiled_code or '' -%}
    {%- set found = [] -%}
    {%- if node.package_name == 'holdfast' and code and result.status | string in ['fail', 'warn'] -%}
        {%- set query = run_query('select * from (' ~ code ~ '\n) as found limit 1000') -%}
        {%- if 'column_name' in query.column_names -%}
            {%- for row in query.rows -%}
                {%- do found.append(row['column_name'] ~ ' ' ~ (row['problem'] ~ ' ' if 'problem' in query.column_names else '')
                    ~ 'in ' ~ '{:,}'.format(row['row_count'] | int) ~ (' row' if row['row_count'] | int == 1 else ' rows')) -%}
            {%- endfor -%}
        {%- elif 'feature' in query.column_names -%}
            {%- do found.extend(query.columns['feature'].values() | map('string') | unique | list) -%}
        {%- endif -%}
    {%- endif -%}
    {{- return(name ~ (': ' ~ holdfast._first_few(found, 8, ', ') if found else '')) -}}
{% endmacro %}


{#- The time that a run took, and that of its phases, which add up over threads. -#}
{% macro _digest_time(results, publishing_seconds) %}
    {%- set tasks = holdfast.tasks() -%}
    {%- set phases = {'inputs': 0, 'features': 0, 'training': 0, 'scoring': 0, 'marts': 0, 'other models': 0, 'tests': 0} -%}
    {%- for result in results if result.node.resource_type | string in ['model', 'seed', 'snapshot', 'test', 'unit_test'] -%}
        {%- set phase = holdfast._phase_of(result.node, tasks) -%}
        {%- do phases.update({phase: phases[phase] + result.execution_time}) -%}
    {%- endfor -%}
    {%- do phases.update({'publishing': publishing_seconds}) -%}
    {%- set parts = [] -%}
    {%- for phase, seconds in phases.items() if seconds >= 0.05 -%}
        {%- do parts.append(phase ~ ' ' ~ '%.1f' | format(seconds)) -%}
    {%- endfor -%}
    {%- set total = (modules.datetime.datetime.now(modules.pytz.utc) - run_started_at).total_seconds() -%}
    {{- return('Time: ' ~ '%.0f' | format(total) ~ ' s; by phase, added up over threads: ' ~ parts | join(', ')) -}}
{% endmacro %}


{#- The part of a run that a node belongs to; `tasks` are all there are, which take long to read. -#}
{% macro _phase_of(node, tasks) %}
    {%- if node.resource_type | string in ['test', 'unit_test'] -%}
        {{- return('tests') -}}
    {%- elif node.package_name == 'holdfast' and node.fqn[1] in ['inputs', 'population'] -%}
        {{- return('inputs') -}}
    {%- elif node.package_name == 'holdfast' and node.fqn[1] == 'features' or node.name in var('holdfast_feature_views', []) -%}
        {{- return('features') -}}
    {%- elif node.package_name == 'holdfast' and node.fqn[1] in ['customers', 'marts', 'semantic'] -%}
        {{- return('marts') -}}
    {%- endif -%}
    {%- for phase, endings in {
        'training': '_(model|training_set|model_features|labels|holdout_predictions)', 'scoring': '_(scores|scores_latest|reasons|outcomes|after_order)',
    }.items() -%}
        {%- for task in tasks if modules.re.fullmatch(task ~ endings, holdfast._plain_name(node.name)) -%}
            {{- return(phase) -}}
        {%- endfor -%}
    {%- endfor -%}
    {%- if node.package_name != 'holdfast' -%}
        {{- return('other models') -}}
    {%- endif -%}
    {{- return('training' if node.fqn[1] == 'registry' else 'marts') -}}
{% endmacro %}
