{#-
  The current models of the topics that people give to tickets, each a mapping of model_id and topics (a list, by number); an empty
  list while dbt parses or where the table is not there.
-#}
{% macro label_models(registry) %}
    {%- set models = [] -%}
    {%- if execute and holdfast.exists(registry) -%}
        {%- set rows = run_query(
            'select model_id, topics from ' ~ registry
            ~ " where stage = 'current' and status = 'fitted' order by script asc nulls last, model_id asc nulls last"
        ) -%}
        {%- for row in rows.rows -%}
            {%- do models.append({'model_id': row[0], 'topics': fromjson(row[1])}) -%}
        {%- endfor -%}
    {%- endif -%}
    {{- return(models) -}}
{% endmacro %}
