{#-
  A SQL expression: what a registered model says of a row. `output` is predict (the probability or value) or contributions
  (a list); the quoted `columns` are the model's features in its order.
-#}
{% macro call_model(output, registry, model_id, columns) %}
    {{- return(adapter.dispatch('call_model', 'holdfast')(output, registry, model_id, columns)) -}}
{% endmacro %}
