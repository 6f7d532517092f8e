{#-
  The topic models that have topics, oldest first, each a mapping of model_id, script, stage, as_of_date, topics and events (lists);
  an empty list while dbt parses or where the table is not there.
-#}
{% macro topic_models(registry) %}
    {%- set models = [] -%}
    {%- if execute and holdfast.exists(registry) -%}
        {%- set rows = run_query(
            'select model_id, script, stage, cast(as_of_date as varchar) as as_of_date, topics, events from ' ~ registry
            ~ " where status = 'fitted' order by fitted_at asc nulls last, model_id asc nulls last"
        ) -%}
        {%- for row in rows.rows -%}
            {%- do models.append({
                'model_id': row[0], 'script': row[1], 'stage': row[2], 'as_of_date': row[3] | string,
                'topics': fromjson(row[4]), 'events': fromjson(row[5]),
            }) -%}
        {%- endfor -%}
    {%- endif -%}
    {{- return(models) -}}
{% endmacro %}
