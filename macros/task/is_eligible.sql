{#- The rows that a task is about: a SQL condition on `features`, a row of its features; never NULL. -#}
{% macro is_eligible(task) %}
    {{- return('coalesce(' ~ task.eligible ~ ', false)' if task.eligible else 'true') -}}
{% endmacro %}
