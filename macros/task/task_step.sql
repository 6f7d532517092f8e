{#- The model of one step of a task: labels, training_set, model, scores, reasons, holdout_predictions or outcomes. -#}
{% macro task_step(task, step) %}
    {{- return(holdfast._ref(('holdfast__' if task.is_shipped else '') ~ task.name ~ '_' ~ step)) -}}
{% endmacro %}
