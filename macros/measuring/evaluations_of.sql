{#-
  The relation of a system's figures on held-out time, `<name>_evaluations`; one without rows while it is not built. A daily
  build leaves out those with the tag holdfast_weekly, and it may be the first one of a warehouse.
-#}
{% macro evaluations_of(name) %}
    {%- set relation = ref('holdfast', 'holdfast__' ~ name ~ '_evaluations') -%}
    {%- if not execute or holdfast.exists(relation) -%}
        {{- return(relation) -}}
    {%- endif -%}
    {%- set columns = [] -%}
    {%- for column in ['task', 'algorithm', 'stage', 'split', 'as_of', 'segment', 'metric', 'value', 'lower', 'upper', 'row_count'] -%}
        {%- set type = {'as_of': 'timestamp', 'value': 'double', 'lower': 'double', 'upper': 'double', 'row_count': 'bigint'}.get(column, 'varchar') -%}
        {%- do columns.append('cast(null as ' ~ type ~ ') as ' ~ column) -%}
    {%- endfor -%}
    {{- return('(select ' ~ columns | join(', ') ~ ' where false)') -}}
{% endmacro %}
