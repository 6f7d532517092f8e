{#-
  The relation of the decisions that earlier builds have logged, or none where there is none yet, or `holdfast_reset` is about to
  drop it. It is looked up and not referred to: the log is made after what asks for it.
-#}
{% macro former_decisions() %}
    {%- if not execute or holdfast.setting('reset') or 'model.holdfast.holdfast__decision_log' not in graph.nodes -%}
        {{- return(none) -}}
    {%- endif -%}
    {%- set log = holdfast._own_relation('decision_log') -%}
    {{- return(log if holdfast.exists(log) else none) -}}
{% endmacro %}
