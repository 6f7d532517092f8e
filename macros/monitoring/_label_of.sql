{#- The label's column in a table of predictions and outcomes: the one whose name no such table has otherwise. -#}
{% macro _label_of(relation) %}
    {%- if execute and holdfast.exists(relation) -%}
        {%- for column in adapter.get_columns_in_relation(relation)
            if column.name not in ['customer_id', 'as_of', 'model_id', 'algorithm', 'probability', 'predicted_value', 'horizon_ends_at', 'scored_at'] -%}
            {{- return(column.name) -}}
        {%- endfor -%}
    {%- endif -%}
    {{- return('churned') -}}
{% endmacro %}
