{#-
  The topic models of a table that are fitted, oldest first, each a mapping of model_id, script, stage, as_of_date and topics (a list);
  with `with_events` also of events (a list). An empty list while dbt parses or where the table is not there.
-#}
{% macro topic_models(registry, with_events=false) %}
    {%- set models = [] -%}
    {%- if execute and holdfast.exists(registry) -%}
        {%- set rows = run_query(
            'select model_id, script, stage, cast(as_of_date as varchar) as as_of_date, topics' ~ (', events' if with_events else '')
            ~ ' from ' ~ registry ~ " where status = 'fitted' order by fitted_at asc nulls last, model_id asc nulls last"
        ) -%}
        {%- for row in rows.rows -%}
            {%- do models.append({
                'model_id': row[0], 'script': row[1], 'stage': row[2], 'as_of_date': row[3] | string, 'topics': fromjson(row[4]),
                'events': fromjson(row[5]) if with_events else [],
            }) -%}
        {%- endfor -%}
    {%- endif -%}
    {{- return(models) -}}
{% endmacro %}
