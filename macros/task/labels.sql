{#-
  The select of a task's labels for every row of its spine, from the `event` in the task's declaration. The spine is
  customer_spine, or, of a task with features of its own, their table. A task without an event has a model <task>_labels of
  its own: the entity's columns, as_of and the label, NULL while it is not known.
-#}
{% macro labels(task, spine=none) %}
    {%- do holdfast._takes_a_task('labels', task, kwargs) -%}
    {%- set task = holdfast.task(task) -%}
    {%- if not task.event -%}
        {%- do holdfast._refuse_task(
            task.name, 'has no `event`, such as {model: orders, at: ordered_at, where: amount < 0}; declare it, or write the model '
            ~ task.name ~ '_labels yourself'
        ) -%}
    {%- endif -%}
    {%- if spine is none and task.features != 'customer_features' -%}
        {%- set spine = holdfast.task_features(task) -%}
    {%- endif -%}
    {{- return(holdfast.event_labels(
        label=task.label,
        events=holdfast._events_of(task),
        event_at=task.event['at'],
        where=task.event.get('where'),
        absent=task.event.get('absent', false),
        value=task.event.get('value'),
        horizon_days=task.horizon_days,
        lead_days=task.lead_days,
        entity=task.entity,
        spine=spine,
    )) -}}
{% endmacro %}
