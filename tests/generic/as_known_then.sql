{#-
  A feature view never looks into the future. For the last observation dates, the view is computed anew from copies of
  its inputs in which nothing is left that came at or after the date: later events and rows loaded later are gone, values
  filled in later (such as a ticket's resolution) are NULL again. Every row must come out as it stands in the table.

  `inputs` adds event tables of your own: {my_events: {at: happened_at, known_at: loaded_at, later: {closed_at: [closed_at,
  outcome]}}}. `dates` is how many observation dates are checked, the latest first.
-#}
{% test as_known_then(model, dates=3, inputs={}) %}

{%- if execute and holdfast.exists(model) -%}
    {%- set spine = holdfast._own_relation('customer_spine') -%}
    {%- set view = holdfast._node_behind(model) -%}
    {%- set columns = adapter.get_columns_in_relation(model) | map(attribute='quoted') | join(', ') -%}
    {%- set cutoffs = run_query(
        'select distinct cast(as_of as varchar) as as_of from ' ~ model ~ ' order by 1 desc nulls last limit ' ~ dates
    ).columns[0].values() -%}

    {%- for cutoff in cutoffs %}
    {%- set date = "timestamp '" ~ cutoff ~ "'" -%}
    {%- set asked = '(select * from ' ~ spine ~ ' where as_of = ' ~ date ~ ')' -%}
    {%- set exchanged = {} -%}
    {%- for name, times in holdfast.event_times().items() -%}
        {%- set relation = holdfast._relation_of(name, 'holdfast') | string -%}
        {%- do exchanged.update({relation: holdfast._as_known_at(relation, times, date)}) -%}
    {%- endfor -%}
    {%- for name, times in inputs.items() -%}
        {%- set relation = holdfast._relation_of(name) | string -%}
        {%- do exchanged.update({relation: holdfast._as_known_at(relation, times, date)}) -%}
    {%- endfor %}
(
    (
        select {{ columns }} from {{ model }} where as_of = {{ date }}
        except all
        select {{ columns }} from ({{ holdfast._render_view(view, asked, exchanged) }}) as computed
    )
    union all
    (
        select {{ columns }} from ({{ holdfast._render_view(view, asked, exchanged) }}) as computed
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

{#- never true: dbt gives a test only the macros that it finds named here, and views are rendered inside this one -#}
{%- if false -%}
    {{ holdfast.feature_view() }}{{ holdfast.days_between() }}{{ holdfast.setting() }}{{ holdfast.as_of_date() }}
    {{ holdfast.has_input() }}{{ holdfast.input_relation() }}{{ holdfast.as_of_join() }}
{%- endif -%}

{% endtest %}
