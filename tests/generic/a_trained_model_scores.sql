{#-
  A model that was trained scores the task. Where the fallback does, or nothing, the build warns: with what is missing, and
  about when it will be there, as the training has noted it.
-#}
{% test a_trained_model_scores(model, task) %}

{{ config(severity='warn') }}
{%- set declared = holdfast.task(task) -%}
{%- set scorer = holdfast.scorer(holdfast.task_step(declared, 'model')) %}
{%- if execute and flags.WHICH in ['build', 'test'] and (not scorer or scorer.is_fallback) %}
    {%- do exceptions.warn(
        'The task ' ~ task ~ ' has no trained model yet, and ' ~ (
            'the fallback ' ~ scorer.algorithm ~ ' scores. Missing: ' ~ scorer.parameters.missing if scorer
            else 'no customer has a score. The log of ' ~ task ~ '_model says what is missing'
        ) ~ '.'
    ) -%}
{%- endif %}
select 1 as without_model
where {{ 'false' if scorer and not scorer.is_fallback else 'exists (select 1 from ' ~ model ~ ')' }}

{% endtest %}
