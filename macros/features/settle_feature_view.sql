{#-
  The post-hook of incremental feature views: drops the dates that the spine no longer asks for, and notes the
  definition that the table was built from. Runs in the transaction of the build.
-#}
{% macro settle_feature_view(spine=none) %}
    {%- if execute and model.config.materialized == 'incremental' -%}
        {%- if spine is none -%}
            {%- set spine = holdfast._own_relation('customer_spine') -%}
        {%- endif -%}
delete from {{ this }} where as_of not in (select distinct as_of from {{ spine }});
comment on table {{ this }} is {{ holdfast.text(holdfast._definition_of(model)) }}
    {%- endif -%}
{% endmacro %}
