{#-
  The rows of a task's model table that meet a condition, oldest first; an empty list while dbt parses or where the table is
  not there.
-#}
{% macro registered_models(registry, condition='true') %}
    {%- set models = [] -%}
    {%- if execute and holdfast.exists(registry) -%}
        {%- set rows = run_query(
            'select model_id, algorithm, ' ~ holdfast.to_json_text('feature_names') ~ ' as feature_names, parameters from ' ~ registry
            ~ ' where ' ~ condition ~ ' order by trained_at asc nulls last, model_id asc nulls last'
        ) -%}
        {%- for row in rows.rows -%}
            {%- do models.append({
                'model_id': row[0], 'algorithm': row[1], 'feature_names': fromjson(row[2]), 'parameters': fromjson(row[3]),
            }) -%}
        {%- endfor -%}
    {%- endif -%}
    {{- return(models) -}}
{% endmacro %}
