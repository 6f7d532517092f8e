{#- Whether a relation is in the warehouse: on a fresh clone `dbt compile` asks before anything is built. -#}
{% macro exists(relation) %}
    {%- if relation.schema is none -%}
        {#- the stand-in of a dbt unit test is in no schema -#}
        {{- return(false) -}}
    {%- endif -%}
    {{- return(adapter.get_relation(relation.database, relation.schema, relation.identifier) is not none) -}}
{% endmacro %}
