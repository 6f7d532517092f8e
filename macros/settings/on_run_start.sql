{#- Checks every var before anything is built, and says what `holdfast_reset: true` is about to drop. -#}
{% macro on_run_start() %}
    {%- for name in holdfast.settings() -%}
        {%- do holdfast.setting(name) -%}
    {%- endfor -%}
    {%- if var('holdfast_demo', false) and var('holdfast_orders', none) is not none -%}
        {%- do exceptions.raise_compiler_error(
            'The vars `holdfast_demo` and `holdfast_orders` are both set: orders of yours would meet customers of the demo. Unset one.'
        ) -%}
    {%- endif -%}
    {%- if execute and holdfast.setting('reset') -%}
        {%- for node in graph.nodes.values()
            if node.package_name == 'holdfast' and node.config.meta.get('keeps_history', false) -%}
            {%- set relation = adapter.get_relation(node.database, node.schema, node.alias) -%}
            {%- if relation is not none -%}
                {%- set rows = run_query('select count(*) from ' ~ relation).columns[0].values()[0] -%}
                {%- do log('holdfast_reset: dropping ' ~ rows ~ ' rows of history from ' ~ relation, info=true) -%}
            {%- endif -%}
        {%- endfor -%}
    {%- endif -%}
{% endmacro %}
