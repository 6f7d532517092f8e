{#- The model of one step of a task: labels, training_set, model, scores, reasons, holdout_predictions or outcomes. -#}
{% macro task_step(task, step) %}
    {{- return(ref('holdfast', 'holdfast__' ~ task.name ~ '_' ~ step) if task.is_shipped else ref(task.name ~ '_' ~ step)) -}}
{% endmacro %}
