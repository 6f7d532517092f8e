{#-
  The select of a feature view for a spine of your own: the very definition of the view, computed for other rows.
  `spine` is a relation with the entity's columns and `as_of` (a timestamp in UTC, or a date), arbitrary moments allowed.
  Its rows come back as they are, repeated ones too; where a key is NULL, so are the features.
-#}
{% macro features_at(view, spine, entity=none) %}
    {#- so that dbt builds what the view reads before the model that calls this -#}
    {%- set views = holdfast.feature_views() -%}
    {%- do holdfast._ref('holdfast__' ~ view if 'holdfast__' ~ view in views and view not in views else view) -%}
    {%- if not execute -%}
        {{- return('select 1 as parse_only') -}}
    {%- endif -%}
    {%- set rendered = holdfast.render_view(holdfast._node_of(view), '__holdfast_spine__') -%}
    {%- set entity = entity or rendered.entity -%}
    {%- set keys = holdfast._quoted(entity + ['as_of']) -%}
    {%- set key_list = keys | join(', ') -%}
    {#- a view may join on its keys, which takes each row once -#}
    {%- set asked_once = '(select distinct ' ~ key_list ~ ' from (' ~ holdfast._rows_asked_for(spine, entity) ~ ') as asked where '
        ~ keys | join(' is not null and ') ~ ' is not null)' -%}
select *
from (
    {{ holdfast._rows_asked_for(spine, entity) }}
) as asked
left join (

{{ rendered.sql | replace('__holdfast_spine__', asked_once) }}

) as computed using ({{ key_list }})
{%- endmacro %}


{#- The keys of a spine, as_of as the timestamp that views take. -#}
{% macro _rows_asked_for(spine, entity) %}
    {%- set found = holdfast._column_types(spine) -%}
    {%- for column in entity + ['as_of'] if column | lower not in found -%}
        {%- do exceptions.raise_compiler_error(
            'holdfast.features_at: the spine ' ~ spine ~ ' has no column ' ~ column ~ '; it has ' ~ found.keys() | join(', ')
        ) -%}
    {%- endfor -%}
    {%- if found['as_of'] != 'DATE' and 'TIMESTAMP' not in found['as_of'] -%}
        {%- do exceptions.raise_compiler_error(
            'holdfast.features_at: as_of of the spine ' ~ spine ~ ' must be a timestamp or a date; it is ' ~ found['as_of']
        ) -%}
    {%- endif -%}
    {{- return(
        'select ' ~ holdfast._quoted(entity) | join(', ') ~ ', '
        ~ holdfast._cast_column('as_of', found['as_of'], 'timestamp') ~ ' as as_of from ' ~ spine
    ) -}}
{% endmacro %}
