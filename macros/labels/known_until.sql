{#-
  The moment up to which outcomes are known, a SQL expression of type timestamp: no later than the build's as-of date, and
  no later than the data reach. They reach until the last order, or to the end of its day where they were loaded after that;
  a month, or a horizon, that ends later is not over, for orders of it may still come.

  A few odd rows do not lift it: orders after a silence that is longer than a week, and than any among the thousand orders
  before, count only when they are more than one in a hundred of all orders (or a hundred).

  Outcomes that are other events follow the reach of their own table, `events` with the time `event_at`. Events may be rare: a
  silence since the last one that is no longer than a week, or than the longest among the thousand before, says nothing, and
  they reach as far as the orders. After a longer one their data have stopped, and nothing later is known.

  Settled once per invocation of dbt, as the as-of date is.
-#}
{% macro known_until(events=none, event_at=none) %}
    {%- set orders = ref('holdfast', 'stg_holdfast__orders') -%}
    {%- set is_own = events is not none and 'stg_holdfast__orders' not in events | string
        and (events is string or holdfast.exists(events)) -%}
    {%- set reach = holdfast._reach_of_orders(orders) -%}
    {%- if execute and is_own -%}
        {%- set all_events = events if events is string
            else api.Relation.create(database=events.database, schema=events.schema, identifier=events.identifier) -%}
        {%- set found = holdfast._column_types(events) -%}
        {%- set at = holdfast._cast_column(holdfast.quoted(event_at), found[event_at | lower], 'timestamp') -%}
        {%- set loaded_at = holdfast._cast_column('loaded_at', found['loaded_at'], 'timestamp')
            if holdfast._is_time_type(found.get('loaded_at', '')) else 'cast(null as timestamp)' -%}
        {%- set reach = holdfast._settled_reach(
            'reach of ' ~ events ~ ' ' ~ event_at, holdfast._reach_of(all_events, at, loaded_at, reach)
        ) -%}
    {%- endif -%}
    {{- return(holdfast._known_until(reach)) -}}
{% endmacro %}


{#- What data that are not there tell is nothing; least() alone would pass over it. -#}
{% macro _known_until(reach) %}
    {{- return(
        'least(cast(' ~ holdfast.as_of_date() ~ ' as timestamp), coalesce(' ~ reach ~ ", timestamp '1900-01-01'))"
    ) -}}
{% endmacro %}
