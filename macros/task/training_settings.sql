{#- What a task's training in Python is told, by the keys that holdfast.training takes. -#}
{% macro training_settings(name) %}
    {%- set task = holdfast.task(name) -%}
    {#- where another event makes the label, a model of the former one must not go on scoring -#}
    {%- set event = tojson(task.event, sort_keys=true) if task.event and not task.is_shipped else none -%}
    {%- set told = {
        'task': task.name, 'label': task.label, 'target': task.target, 'definition': task.definition or event, 'lead_days': task.lead_days,
        'horizon_days': task.horizon_days + task.settling_days, 'features': task.include_features,
        'as_of_date': holdfast.setting('as_of_date'), 'reset': holdfast.setting('reset'),
    } -%}
    {%- for key in [
        'baseline_feature', 'estimator', 'estimator_parameters', 'exclude_features', 'trusted_features', 'min_rows', 'min_events',
        'test_dates', 'max_rows', 'seed', 'retrain', 'retrain_after_days', 'fallback', 'optional',
    ] -%}
        {%- do told.update({key: task[key]}) -%}
    {%- endfor -%}
    {%- if task.entity != ['customer_id'] -%}
        {%- do told.update({'entity': task.entity}) -%}
    {%- endif -%}
    {%- set settings = {} -%}
    {%- for key, value in told.items() if value is not none -%}
        {%- do settings.update({key: value}) -%}
    {%- endfor -%}
    {{- return(settings) -}}
{% endmacro %}
