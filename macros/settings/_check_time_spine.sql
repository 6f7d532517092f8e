{#-
  Warns where the project has a time spine of days beside that of Holdfast. dbt only mentions it, without saying which one is
  taken; MetricFlow takes the last that it comes across, so that metrics of the project's own may lack days that its spine has.
-#}
{% macro _check_time_spine() %}
    {%- set own = [] -%}
    {%- for node in graph.nodes.values() if node.resource_type == 'model' and node.package_name != 'holdfast' -%}
        {%- if node.time_spine -%}
            {%- for column in node.columns.values()
                if column.name == node.time_spine.standard_granularity_column and column.granularity == 'day' -%}
                {%- do own.append(node.name) -%}
            {%- endfor -%}
        {%- elif node.name == 'metricflow_time_spine' -%}
            {#- the name by which MetricFlow found a time spine before its yml said so -#}
            {%- do own.append(node.name) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- if own and holdfast.setting('time_spine') -%}
        {%- do exceptions.warn(
            'The model ' ~ own | join(', ') ~ ' is a daily time spine, and so is calendar_days of Holdfast; the semantic layer uses '
            ~ 'only one of them. Set the var `holdfast_time_spine` to false to use your own.'
        ) -%}
    {%- endif -%}
{% endmacro %}
