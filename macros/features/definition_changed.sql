{#- Whether the model has changed since its table was built; so says the table's comment, which settle_feature_view wrote. -#}
{% macro definition_changed() %}
    {%- set comment = run_query(holdfast.table_comment(this)).columns[0].values()[0] -%}
    {{- return(comment != holdfast._definition_of(model)) -}}
{% endmacro %}
