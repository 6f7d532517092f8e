{#- Whether a relation is in the warehouse: on a fresh clone `dbt compile` asks before anything is built. -#}
{% macro exists(relation) %}
    {{- return(adapter.get_relation(relation.database, relation.schema, relation.identifier) is not none) -}}
{% endmacro %}
