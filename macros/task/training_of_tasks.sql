{#- What the training of every task is told, by the task's name; the manifest hands it to commands that train, too. -#}
{% macro training_of_tasks() %}
    {%- set tasks = {} -%}
    {%- for name in holdfast.tasks() -%}
        {%- do tasks.update({name: holdfast.training_settings(name)}) -%}
    {%- endfor -%}
    {{- return(tasks) -}}
{% endmacro %}
