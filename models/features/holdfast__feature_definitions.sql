-- the SQL of every feature view, to be run for any spine: put a relation in the place of __holdfast_spine__
-- depends_on: {{ ref('holdfast', 'holdfast__customer_features') }}
{% set views = [] -%}
{% for name in holdfast.feature_views() -%}
{#- a view's inputs are looked at, so it has to be there; before the first build none is -#}
{% if execute and holdfast.exists(holdfast._relation_of(name)) -%}{% do views.append(name) -%}{% endif -%}
{% endfor -%}
{% for name in views -%}
{% set node = holdfast._node_of(name) -%}
{% set rendered = holdfast.render_view(node, '__holdfast_spine__') -%}
select
    {{ holdfast.text(holdfast._plain_name(name)) }} as feature_view,
    {{ holdfast.text(holdfast._relation_of(name)) }} as relation,
    {{ holdfast.list_of(holdfast._texts(rendered.entity)) }} as entity,
    {{ holdfast.text(rendered.sql) }} as sql,
    {{ holdfast.text(node.checksum.checksum) }} as checksum,
{{ 'union all' if not loop.last }}
{% endfor -%}
{% if not views -%}
select
    cast(null as varchar) as feature_view,
    cast(null as varchar) as relation,
    cast(null as varchar[]) as entity,
    cast(null as varchar) as sql,
    cast(null as varchar) as checksum,
where false
{%- endif %}
