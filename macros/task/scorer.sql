{#-
  What scores a task: its champion, or while it has none its fallback; {model_id, algorithm, feature_names, parameters,
  is_fallback}, or none where there is neither. `registry` is the task's model table, as for `champion`.
-#}
{% macro scorer(registry) %}
    {%- set champion = holdfast.champion(registry) -%}
    {%- if champion -%}
        {{- return(dict(champion, is_fallback=false)) -}}
    {%- endif -%}
    {%- set fallbacks = holdfast.registered_models(registry, "stage = 'fallback'") -%}
    {{- return(dict(fallbacks | last, is_fallback=true) if fallbacks else none) -}}
{% endmacro %}
