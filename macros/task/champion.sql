{#-
  The model that scores a task: {model_id, algorithm, feature_names}, or none where the task has no champion yet.
  `registry` is the task's model table, such as ref('holdfast', 'holdfast__churn_model'). Two champions are an error: which one scores must
  never be a matter of chance.
-#}
{% macro champion(registry) %}
    {%- set champions = holdfast.registered_models(registry, "stage = 'champion'") -%}
    {%- if champions | length > 1 -%}
        {%- do exceptions.raise_compiler_error(
            registry ~ ' holds ' ~ champions | length ~ ' champions (' ~ champions | map(attribute='model_id') | join(', ')
            ~ '), but a task has one. Set the stage of all but one to archived.'
        ) -%}
    {%- endif -%}
    {{- return(champions | first if champions else none) -}}
{% endmacro %}
