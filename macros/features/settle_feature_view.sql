{#-
  The post-hook of incremental feature views: drops the dates that the spine no longer asks for, and notes the definition
  and the rows that the table was built from. Where rows of the inputs have changed since a date was computed, it says so.
  A table of joined views says itself what it was built from (dates_to_join), in a comment of its SQL.
  Runs in the transaction of the build.
-#}
{% macro settle_feature_view(spine=none) %}
    {%- if execute and model.config.materialized == 'incremental' -%}
        {%- if spine is none -%}
            {%- set spine = holdfast._own_relation('customer_spine') -%}
        {%- endif -%}
        {%- set definition = holdfast._definition_of(model) -%}
        {%- set joined = modules.re.search('-- holdfast_built_from: (\\{.*\\})', sql) -%}
        {%- set now = fromjson(joined.group(1)) if joined else holdfast._built_from(spine) -%}
        {%- set note = holdfast._note_of(this) -%}
        {%- set former = note.built_from if note.definition == definition else {} -%}
        {%- set changed = [] if joined or holdfast.setting('rebuild_changed') else holdfast._changed_dates(former, now) -%}
        {%- for as_of in changed -%}
            {%- do now.update({as_of: former[as_of]}) -%}
        {%- endfor -%}
        {%- if changed -%}
            {%- do exceptions.warn(
                model.alias ~ ': rows of its inputs have changed (late, corrected, merged or deleted) since the features of ' ~ changed | length
                ~ ' dates were computed, from ' ~ changed[0][:10] ~ ' to ' ~ changed[-1][:10] ~ '. These features were not changed; recompute them with '
                ~ "dbt build --vars 'holdfast_rebuild_changed: true'."
            ) -%}
        {%- endif -%}
delete from {{ this }} where as_of not in (select distinct as_of from {{ spine }});
comment on table {{ this }} is {{ holdfast.text(
    definition ~ (' ' ~ tojson({'hashed_by': note.hashed_by, 'dates': now}) if now is not none else '')
) }}
    {%- endif -%}
{% endmacro %}
