{#- Whether the model has changed since its table was built; so says the table's comment, which settle_feature_view wrote. -#}
{% macro definition_changed() %}
    {{- return(holdfast._note_of(this).definition != holdfast._definition_of(model)) -}}
{% endmacro %}
