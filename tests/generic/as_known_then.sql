{#-
  A feature view never looks into the future. For the last observation dates, the view is computed anew from copies of
  its inputs in which nothing is left that came at or after the date: later events and rows loaded later are gone, values
  filled in later (such as a ticket's resolution) are NULL again. Every row must come out as it stands in the table.

  `inputs` adds event tables of your own: {my_events: {at: happened_at, known_at: loaded_at, later: {closed_at: [closed_at,
  outcome]}}}. `dates` is how many observation dates are checked, the latest first.
-#}
{% test as_known_then(model, dates=3, inputs={}) %}

{#- asks what a view's SQL does, which a day does not change -#}
{{ config(tags=['holdfast_weekly']) }}

{%- if execute and holdfast.exists(model) -%}
    {%- set view = holdfast._node_behind(model) -%}
    {%- set spine = holdfast.render_view(view, '__holdfast_spine__').spine -%}
    {%- set columns = holdfast._quoted(adapter.get_columns_in_relation(model) | map(attribute='name')) | join(', ') -%}
    {%- set cutoffs = run_query(
        'select distinct cast(as_of as varchar) as as_of from ' ~ model ~ ' order by 1 desc nulls last limit ' ~ dates
    ).columns[0].values() -%}

    {%- for cutoff in cutoffs %}
    {%- set date = 'timestamp ' ~ holdfast.text(cutoff) -%}
    {%- set asked = '(select * from ' ~ spine ~ ' where as_of = ' ~ date ~ ')' -%}
    {%- set exchanged = {} -%}
    {%- for name, times in holdfast.event_times().items() -%}
        {%- set relation = holdfast._relation_of(name, 'holdfast') | string -%}
        {%- do exchanged.update({relation: holdfast.as_known_at(relation, times, date)}) -%}
    {%- endfor -%}
    {%- for name, times in inputs.items() -%}
        {%- set relation = holdfast._relation_of(name) | string -%}
        {%- do exchanged.update({relation: holdfast.as_known_at(relation, times, date)}) -%}
    {%- endfor %}
    {%- set computed = holdfast.render_view(view, asked, exchanged).sql %}
(
    (
        select {{ columns }} from {{ model }} where as_of = {{ date }}
        except all
        select {{ columns }} from ({{ computed }}) as computed
    )
    union all
    (
        select {{ columns }} from ({{ computed }}) as computed
        except all
        select {{ columns }} from {{ model }} where as_of = {{ date }}
    )
)
{{ 'union all' if not loop.last }}
    {%- endfor %}
    {%- if not cutoffs -%}
select 1 as nothing_to_check where false
    {%- endif -%}
{%- endif -%}

{% endtest %}
