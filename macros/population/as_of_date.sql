{#-
  The date from which the build looks back: `holdfast_as_of_date`, else the day after the last order. A SQL expression of
  type DATE.

  The date is settled once per invocation of dbt, at its first use, so that an order that comes in meanwhile moves none of
  the tables that are still to be built. An invocation that builds on scores without making them takes theirs; see
  _date_to_settle. While dbt parses, in unit tests, and on warehouses that have no functions of Holdfast, it is the query
  itself.
-#}
{% macro as_of_date() %}
    {%- set as_of_date = holdfast.setting('as_of_date') -%}
    {%- if as_of_date is not none -%}
        {{- return('cast(' ~ holdfast.text(as_of_date) ~ ' as date)') -}}
    {%- endif -%}
    {%- set orders = ref('holdfast', 'stg_holdfast__orders') -%}
    {%- if not execute or not holdfast.exists(orders) -%}
        {{- return(holdfast._day_after_last_order(orders)) -}}
    {%- endif -%}
    {{- return(holdfast._settled_date(orders)) -}}
{% endmacro %}


{#- The date as this invocation has settled it, or settles it now. -#}
{% macro _settled_date(orders) %}
    {%- if not holdfast._can_settle() -%}
        {{- return(holdfast._day_after_last_order(orders)) -}}
    {%- endif -%}
    {%- set date = holdfast._settled('as_of_date') -%}
    {%- if date is none -%}
        {%- do holdfast._reach_of_orders(orders) -%}
        {#- `--empty` and `--sample` give fewer rows of what is read, and not another date -#}
        {%- set all_orders = api.Relation.create(database=orders.database, schema=orders.schema, identifier=orders.identifier) -%}
        {%- set date = holdfast._settled('as_of_date', holdfast._date_to_settle() or holdfast._day_after_last_order(all_orders)) -%}
    {%- endif -%}
    {{- return('cast(' ~ holdfast.text(date) ~ ' as date)' if date else 'cast(null as date)') -}}
{% endmacro %}


{#- The day after the last order that does not lie in the future, as a query. -#}
{% macro _day_after_last_order(orders) %}
    {{- return(
        '(select cast(cast(max(ordered_at) as date) + interval 1 day as date) from ' ~ orders
        ~ ' where ordered_at <= ' ~ holdfast.as_utc(dbt.current_timestamp()) ~ ')'
    ) -}}
{% endmacro %}


{#-
  The query of the date of an invocation that builds a part of the models on what stands in the warehouse; none where the
  invocation decides itself, because it makes the spine anew.

  - What reads scores that this invocation does not make is built for their date, and so is what stands beside them.
  - Scores, and what leads to them, are made for the latest date that their features or their spine have.
-#}
{% macro _date_to_settle() %}
    {%- set part = holdfast._part_of_build() -%}
    {%- if part.makes_spine and not part.lacks_scores -%}
        {{- return(none) -}}
    {%- endif -%}
    {%- set dates = [] -%}
    {%- if var('holdfast_spine', none) is not none -%}
        {#- moments of the user's own say nothing about the date of the marts -#}
        {%- do dates.append(holdfast._query_of('customer_retention', 'max(as_of_date)')) -%}
    {%- else -%}
        {%- if part.lacks_scores or not part.leads_to_scores -%}
            {%- do dates.append(holdfast._query_of('churn_scores', 'cast(arg_max(as_of, (scored_at, as_of)) as date)')) -%}
        {%- endif -%}
        {%- if not part.makes_spine -%}
            {%- set spine = holdfast._query_of('customer_spine', 'max(as_of)') -%}
            {%- if spine and not part.makes_features -%}
                {%- do dates.append(holdfast._query_of('customer_features', 'cast(max(as_of) as date)', 'as_of <= ' ~ spine)) -%}
            {%- endif -%}
            {%- if spine -%}
                {%- do dates.append('cast(' ~ spine ~ ' as date)') -%}
            {%- endif -%}
        {%- endif -%}
    {%- endif -%}
    {%- for query in dates | select -%}
        {%- set found = run_query('select cast(' ~ query ~ ' as varchar)').columns[0].values()[0] -%}
        {%- if found -%}
            {{- return(holdfast.text(found)) -}}
        {%- endif -%}
    {%- endfor -%}
    {{- return(none) -}}
{% endmacro %}


{#- A value of one of Holdfast's tables, as a query in brackets; none where the table is not there. -#}
{% macro _query_of(name, value, condition=none) %}
    {%- if 'model.holdfast.holdfast__' ~ name not in graph.nodes -%}
        {{- return(none) -}}
    {%- endif -%}
    {%- set relation = holdfast._own_relation(name) -%}
    {%- if not holdfast.exists(relation) -%}
        {{- return(none) -}}
    {%- endif -%}
    {{- return('(select ' ~ value ~ ' from ' ~ relation ~ (' where ' ~ condition if condition else '') ~ ')') -}}
{% endmacro %}


{#-
  Which part of the models this invocation makes: {makes_spine, makes_features, leads_to_scores, lacks_scores}. It leads to
  scores if it makes them, or nothing of Holdfast's but what they are made of; it lacks them if it reads scores that it does
  not make.
-#}
{% macro _part_of_build() %}
    {%- set own = 'model.holdfast.holdfast__' -%}
    {%- set scores = own ~ 'churn_scores' -%}
    {%- set before = holdfast._all_parents(scores) -%}
    {%- set selected = [] -%}
    {%- for unique_id in selected_resources if unique_id.startswith('model.') -%}
        {%- do selected.append(unique_id) -%}
    {%- endfor -%}
    {%- set part = {
        'makes_spine': own ~ 'customer_spine' in selected, 'makes_features': own ~ 'customer_features' in selected,
        'leads_to_scores': true, 'lacks_scores': false,
    } -%}
    {%- if scores not in selected -%}
        {%- for unique_id in selected if unique_id not in before -%}
            {%- if unique_id.startswith(own) -%}
                {%- do part.update({'leads_to_scores': false}) -%}
            {%- endif -%}
            {%- if not part.lacks_scores and scores in holdfast._all_parents(unique_id) -%}
                {%- do part.update({'lacks_scores': true}) -%}
            {%- endif -%}
        {%- endfor -%}
    {%- endif -%}
    {{- return(part) -}}
{% endmacro %}


{#- The ids of all models that a model is made of, at any remove. -#}
{% macro _all_parents(unique_id) %}
    {%- set found = {} -%}
    {%- set open = [unique_id] -%}
    {%- for _ in graph.nodes -%}
        {%- if open -%}
            {%- set node = graph.nodes.get(open.pop(), {}) -%}
            {%- for parent in node.get('depends_on', {}).get('nodes', []) if parent.startswith('model.') and parent not in found -%}
                {%- do found.update({parent: true}) -%}
                {%- do open.append(parent) -%}
            {%- endfor -%}
        {%- endif -%}
    {%- endfor -%}
    {{- return(found) -}}
{% endmacro %}
