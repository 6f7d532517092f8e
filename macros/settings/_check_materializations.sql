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
            'A config of the project makes ' ~ changed[0].name ~ more ~ ' ' ~ changed[0].config.materialized ~ 's, but they must be '
            ~ 'tables. Write `+materialized` below the name of your own project: models: {' ~ project_name ~ ': {+materialized: '
            ~ changed[0].config.materialized ~ '}}.'
        ) -%}
    {%- endif -%}
{% endmacro %}
