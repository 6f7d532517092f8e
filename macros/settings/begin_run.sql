{#- Tells Python of a run: the version of this package, and the tasks to train. -#}
{% macro begin_run(tasks) %}
    {{- return(adapter.dispatch('begin_run', 'holdfast')(tasks)) -}}
{% endmacro %}
