{#- The table with the features of a task, once it is clear that it has the entity's columns. -#}
{% macro task_features(task) %}
    {%- set relation = ref('holdfast', 'holdfast__customer_features') if task.features == 'customer_features'
        else holdfast._ref(task.features) -%}
    {%- if execute and task.entity != ['customer_id'] and holdfast.exists(relation) -%}
        {%- set found = holdfast._column_types(relation) -%}
        {%- for column in task.entity + ['as_of'] if column | lower not in found -%}
            {%- do holdfast._refuse_task(
                task.name, 'has the entity ' ~ task.entity | join(', ') ~ ', but its features ' ~ relation ~ ' have no column ' ~ column
                ~ '; they have ' ~ found.keys() | join(', ')
            ) -%}
        {%- endfor -%}
    {%- endif -%}
    {{- return(relation) -}}
{% endmacro %}
