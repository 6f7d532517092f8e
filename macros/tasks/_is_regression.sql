{#- Whether a task predicts a number, by meta.training.target of its model; what depends on it is known when dbt compiles. -#}
{% macro _is_regression(task) %}
    {%- if execute -%}
        {%- for node in graph.nodes.values() if node.resource_type == 'model' and node.name == task ~ '_model' -%}
            {{- return(((node.config.get('meta') or {}).get('training') or {}).get('target') == 'regression') -}}
        {%- endfor -%}
    {%- endif -%}
    {{- return(false) -}}
{% endmacro %}


{#- What a task's predictions are called beside what came: probability, or of a number predicted_value. -#}
{% macro _predicted_column(task) %}
    {{- return('predicted_value' if holdfast._is_regression(task) else 'probability') -}}
{% endmacro %}


{#- The column of a task's scores: <task>_probability, or of a number <task>_value. -#}
{% macro _score_column(task) %}
    {{- return(task ~ ('_value' if holdfast._is_regression(task) else '_probability')) -}}
{% endmacro %}
