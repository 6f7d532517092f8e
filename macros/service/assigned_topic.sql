{#-
  A SQL expression: what a text is about, a struct of model_id, cluster, certainty and status, never NULL. `model_ids` lists topic
  models of the table `registry`, at most one per script.
-#}
{% macro assigned_topic(registry, model_ids, text) %}
    {{- return(adapter.dispatch('assigned_topic', 'holdfast')(registry, model_ids, text)) -}}
{% endmacro %}
