{#-
  A model that was trained scores the task. Where the fallback does, or nothing, the build warns: with what is missing, and
  about when it will be there, as the training has noted it. It also warns where a champion goes on scoring because the training
  of this run has failed.
-#}
{% test a_trained_model_scores(model, task) %}

{{ config(severity='warn') }}
{%- set declared = holdfast.task(task) -%}
{%- set scorer = holdfast.scorer(holdfast.task_step(declared, 'model')) %}
{%- set told = namespace(note='', problem=none) -%}
{%- if execute and flags.WHICH in ['build', 'test'] -%}
    {%- if holdfast.has_plugin() -%}
        {%- set told.note = fromjson(run_query('select holdfast_trained()').columns[0].values()[0]).get(task, '') -%}
    {%- endif -%}
    {%- if not scorer -%}
        {%- set told.problem = task ~ ' has no model: ' ~ (
            told.note | replace('not trained: ', '') if told.note
            else 'nobody has a score. The log of ' ~ task ~ '_model says what is missing'
        ) -%}
    {%- elif scorer.is_fallback -%}
        {%- set told.problem = 'The task ' ~ task ~ ' has no trained model yet, and the fallback ' ~ scorer.algorithm ~ ' scores. Missing: '
            ~ scorer.parameters.missing -%}
    {%- elif told.note.startswith('training failed') -%}
        {%- set told.problem = 'The champion ' ~ scorer.model_id ~ ' of ' ~ task ~ ' was not replaced: ' ~ told.note -%}
    {%- endif -%}
    {%- if told.problem -%}
        {%- do exceptions.warn(told.problem.rstrip('.') ~ '.') -%}
    {%- endif -%}
{%- endif %}
select 1 as without_model
where {{ 'true' if told.problem else 'false' }}

{% endtest %}
