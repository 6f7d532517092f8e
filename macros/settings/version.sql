{#- The version of this dbt package; that of the Python package has to be the same. -#}
{% macro version() %}
    {{- return('0.1.0') -}}
{% endmacro %}
