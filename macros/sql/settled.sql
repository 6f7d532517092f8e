{#-
  What this invocation has settled under a name, as a text: none where nothing is yet, '' where there is nothing to be had.
  `query` is a SQL expression that settles it; what came first stands, whichever thread asks.
-#}
{% macro _settled(name, query=none) %}
    {%- if query is none -%}
        {%- set value = 'null' -%}
    {%- else -%}
        {%- set found = run_query('select cast(' ~ query ~ ' as varchar)').columns[0].values()[0] -%}
        {%- set value = holdfast.text(found | string if found is not none else '') -%}
    {%- endif -%}
    {{- return(run_query(
        'select holdfast_settle(' ~ holdfast.text(invocation_id) ~ ', ' ~ holdfast.text(name) ~ ', ' ~ value ~ ')'
    ).columns[0].values()[0]) -}}
{% endmacro %}


{#- Whether the warehouse has the functions, and they are there; a run has seen to it when it began, while `dbt compile` does with any profile. -#}
{% macro _can_settle() %}
    {%- if not holdfast.has_plugin() -%}
        {{- return(false) -}}
    {%- elif flags.WHICH in ['build', 'run', 'test'] -%}
        {{- return(true) -}}
    {%- endif -%}
    {%- set found = run_query("select count(*) from duckdb_functions() where function_name = 'holdfast_settle'") -%}
    {{- return(found.columns[0].values()[0] > 0) -}}
{% endmacro %}
