{#- The names of all enabled tasks: those that Holdfast brings, then those of `holdfast_tasks`, in the order in which they stand there. -#}
{% macro tasks() %}
    {%- set names = [] -%}
    {%- for name in holdfast.shipped_tasks().keys() | list + holdfast._declared_tasks().keys() | list -%}
        {%- if name not in names and holdfast.task(name).enabled -%}
            {%- do names.append(name) -%}
        {%- endif -%}
    {%- endfor -%}
    {{- return(names) -}}
{% endmacro %}


{#- What the project itself declares, by name. -#}
{% macro _declared_tasks() %}
    {%- set declared = var('holdfast_tasks', {}) or {} -%}
    {%- if declared is not mapping -%}
        {%- do exceptions.raise_compiler_error(
            'The var `holdfast_tasks` must be a mapping of names to declarations, such as {return: {label: returned, horizon_days: 60}}; '
            ~ 'got: ' ~ declared ~ '. It replaces the former list of names and `meta: training` in the yml of a model; '
            ~ 'docs/add_a_task.md shows how.'
        ) -%}
    {%- endif -%}
    {%- set taken = [] -%}
    {%- for name in declared -%}
        {%- do holdfast._check_name('holdfast_tasks: the name of a task', name) -%}
        {%- if name | lower in taken -%}
            {%- do exceptions.raise_compiler_error(
                'The var `holdfast_tasks` declares ' ~ name ~ ' twice: names that differ only in case would share their tables. Rename one.'
            ) -%}
        {%- endif -%}
        {%- do taken.append(name | lower) -%}
    {%- endfor -%}
    {{- return(declared) -}}
{% endmacro %}
