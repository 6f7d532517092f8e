{#-
  The select of what a task learns from: the labels that are known, of eligible customers with enough history, with the
  features as they were known at the observation. `labels` is a relation with the entity's columns, as_of and the label;
  <task>_labels by default.
-#}
{% macro training_set(task, labels=none) %}
    {%- do holdfast._takes_a_task('training_set', task, kwargs) -%}
    {%- set task = holdfast.task(task) -%}
    {{- config(materialized='table') -}}
    {%- set keys = holdfast._quoted(task.entity) -%}
    {%- set label = holdfast.quoted(task.label) %}
with

features as (

    select * from {{ holdfast.task_features(task) }}

),

labels as (

    select
        {{ holdfast._key_list('', keys) }}
        as_of,
        {{ label }},
    from {{ labels or holdfast.task_step(task, 'labels') }}
    where {{ label }} is not null

),

final as (

    select
        labels.{{ label }},
        features.*,
    from labels
    inner join features
        on {{ holdfast._same_keys('features', 'labels', keys + ['as_of']) }}
    where
        {{ holdfast.has_enough_history('features', task) }}
        {%- if task.eligible %}
        and {{ holdfast.is_eligible(task) }}
        {%- endif %}

)

select * from final
{%- endmacro %}


{#- Stops the compile where a step of a task is given anything but the task's name; what it once took is declared now. -#}
{% macro _takes_a_task(macro, task, others) %}
    {%- if task is not string or others -%}
        {%- do exceptions.raise_compiler_error(
            'holdfast.' ~ macro ~ " takes the name of a task, such as holdfast." ~ macro ~ "('return')"
            ~ ('; ' ~ others.keys() | join(', ') ~ ' belong in the declaration of the task, in the var `holdfast_tasks`'
                if others else '; got: ' ~ task) ~ '.'
        ) -%}
    {%- endif -%}
{% endmacro %}
