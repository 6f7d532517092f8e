{#-
  Publishes the marts at the end of `dbt build`, when all of them were built and passed their tests. The hook at a run's
  end gives `results`; anything but a whole build is left alone, so that nobody sees half of one. Gives {said, error}: what
  happened, in a sentence, or why publishing failed. Both are none where nothing that could be published was run.
-#}
{% macro publish(results) %}
    {%- set nothing = {'said': none, 'error': none} -%}
    {#- the marts of other warehouses are where BI tools read them already -#}
    {%- if not execute or flags.WHICH not in ['build', 'run'] or not holdfast.has_plugin() -%}
        {{- return(nothing) -}}
    {%- elif not holdfast.setting('publish') -%}
        {{- return({'said': 'Nothing was published, because the var `holdfast_publish` is false', 'error': none}) -}}
    {%- endif -%}
    {%- set refusal = namespace(reason=none) -%}
    {%- if invocation_args_dict.get('empty') -%}
        {%- set refusal.reason = '`--empty` builds tables without rows' -%}
    {%- elif invocation_args_dict.get('sample') -%}
        {%- set refusal.reason = '`--sample` builds tables from only a part of the rows' -%}
    {%- elif flags.WHICH == 'run' -%}
        {%- set refusal.reason = '`dbt run` runs no tests; use `dbt build`, which publishes what passes its tests' -%}
    {%- endif -%}

    {%- set nodes = {} -%}
    {%- for node in graph.nodes.values() -%}
        {%- set is_registry = node.unique_id == 'model.holdfast.holdfast__model_registry' -%}
        {%- if node.resource_type == 'model' and (is_registry or node.config.meta.get('publish')) -%}
            {%- do nodes.update({node.unique_id: {
                'resource_type': 'model', 'package_name': node.package_name, 'fqn': node.fqn, 'name': node.name,
                'alias': node.alias, 'relation_name': node.relation_name, 'description': node.description,
                'columns': node.columns,
                'config': {
                    'meta': node.config.meta, 'contract': node.config.contract, 'materialized': node.config.materialized,
                },
            }}) -%}
        {%- elif node.resource_type == 'test' -%}
            {%- do nodes.update({node.unique_id: {
                'resource_type': 'test', 'name': node.name, 'depends_on': {'nodes': node.depends_on.nodes}, 'tags': node.tags,
            }}) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- set outcomes = [] -%}
    {%- for result in results if result.node.unique_id in nodes -%}
        {%- do outcomes.append({'unique_id': result.node.unique_id, 'status': result.status | string}) -%}
    {%- endfor -%}

    {%- if not outcomes -%}
        {{- return(nothing) -}}
    {%- endif -%}

    {%- set request = tojson({
        'nodes': nodes, 'results': outcomes, 'path': holdfast.setting('publish_path'), 'project': project_name,
        'target': target.name, 'allow_empty': holdfast.setting('publish_empty'), 'refusal': refusal.reason,
        'forgotten': graph.nodes['model.holdfast.holdfast__forgotten_customers'].relation_name,
    }) -%}
    {%- set answer = run_query('select holdfast_publish(' ~ holdfast.text(request) ~ ')').columns[0].values()[0] -%}
    {%- set answer = fromjson(answer) -%}
    {{- return({'said': answer.get('said'), 'error': answer.get('error')}) -}}
{% endmacro %}
