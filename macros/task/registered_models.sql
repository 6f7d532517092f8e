{#- The rows of a task's model table that meet a condition, oldest first; an empty list while dbt parses or where the table is not there. -#}
{% macro registered_models(registry, condition='true') %}
    {{- return(adapter.dispatch('registered_models', 'holdfast')(registry, condition)) -}}
{% endmacro %}


{% macro default__registered_models(registry, condition) %}
    {%- set models = [] -%}
    {%- if execute and holdfast.exists(registry) -%}
        {%- set rows = run_query(
            'select model_id, algorithm, cast(to_json(feature_names) as varchar) as feature_names, parameters from ' ~ registry
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
