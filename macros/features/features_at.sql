{#-
  The select of a feature view for a spine of your own: the very definition of the view, computed for other rows.
  `spine` is a relation with the entity's columns and `as_of` (a timestamp in UTC, or a date), arbitrary moments allowed.
  Its rows come back as they are, repeated ones too; where a key is NULL, so are the features.
-#}
{% macro features_at(view, spine, entity=['customer_id']) %}
    {#- so that dbt builds what the view reads before the model that calls this -#}
    {%- do holdfast._ref(view) -%}
    {%- if not execute -%}
        {{- return('select 1 as parse_only') -}}
    {%- endif -%}
    {%- set keys = [] -%}
    {%- for column in entity + ['as_of'] -%}
        {%- do keys.append(adapter.quote(column)) -%}
    {%- endfor -%}
    {%- set key_list = keys | join(', ') -%}
    {#- a view may join on its keys, which takes each row once -#}
    {%- set asked_once = '(select distinct ' ~ key_list ~ ' from (' ~ holdfast._asked(spine, entity) ~ ') as asked where '
        ~ keys | join(' is not null and ') ~ ' is not null)' -%}
select *
from (
    {{ holdfast._asked(spine, entity) }}
) as asked
left join (

{{ holdfast._render_view(holdfast._node_of(view), asked_once) }}

) as computed using ({{ key_list }})
{%- endmacro %}


{#- The keys of a spine, as_of as the timestamp that views take. -#}
{% macro _asked(spine, entity) %}
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
    {%- set keys = [] -%}
    {%- for column in entity -%}
        {%- do keys.append(adapter.quote(column)) -%}
    {%- endfor -%}
    {{- return(
        'select ' ~ keys | join(', ') ~ ', ' ~ holdfast._cast_column('as_of', found['as_of'], 'timestamp') ~ ' as as_of from ' ~ spine
    ) -}}
{% endmacro %}


{#-
  A model's SQL, rendered anew with other SQL in the place of some of the relations that it refs: the shipped spine for
  `spine`, and what `exchanged` names, {relation: SQL}. Views know a relation given as text by its name only, so a view
  renders in the form that fits any spine.
-#}
{% macro _render_view(node, spine, exchanged={}) %}
    {%- set shipped_spine = holdfast._own_relation('customer_spine') | string -%}
    {#- a view's config may ask for vars that hold refs, which dbt allows in the view alone -#}
    {%- set code = namespace(text=modules.re.sub('(?s)\{\{\s*config\(.*?\}\}', '', node.raw_code)) -%}
    {%- for call in modules.re.findall('ref\(\s*[^()]*\)', node.raw_code) | unique -%}
        {%- set names = modules.re.findall('[\'"]([^\'"]+)[\'"]', call) -%}
        {%- set relation = holdfast._relation_of(names | last, names[0] if names | length > 1 else none) | string -%}
        {%- set sql = spine if relation == shipped_spine else exchanged.get(relation, relation) -%}
        {%- set code.text = code.text | replace(call, tojson(sql)) -%}
    {%- endfor -%}
    {{- return(render(code.text)) -}}
{% endmacro %}
