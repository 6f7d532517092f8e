{#-
  The model whose held-out figures speak for what scores a task: {model_id, algorithm, test_from}, all none while the task has no
  champion. It is the champion itself, or its twin: a champion that was fitted again on all rows has no unseen ones left.
  From test_from on, the first date that it was tested on, it has seen nothing.
-#}
{% macro evaluated_model(task) %}
    {%- set registry = holdfast.task_step(holdfast.task(task), 'model') -%}
    {%- set champion = holdfast.champion(registry) -%}
    {%- if not champion -%}
        {{- return({'model_id': none, 'algorithm': none, 'test_from': none}) -}}
    {%- endif -%}
    {%- set model_id = champion.parameters.get('evaluated_as') or champion.model_id -%}
    {%- set found = holdfast.registered_models(registry, 'model_id = ' ~ holdfast.text(model_id)) | first -%}
    {{- return({
        'model_id': model_id, 'algorithm': champion.algorithm, 'test_from': found.parameters.split.test | default([], true) | min if found,
    }) -}}
{% endmacro %}
