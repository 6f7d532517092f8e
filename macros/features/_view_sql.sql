{#- The pieces of SQL that both forms of a feature view are made of. -#}

{% macro _same_row(relation, keys) %}
    {%- for key in keys -%}
        {{ relation }}.{{ key }} = spine.{{ key }} and {{ '' }}
    {%- endfor -%}
    {{ relation }}.as_of = spine.as_of
{%- endmacro %}


{#-
  The moment that lies some spans ({months, days}) before as_of: months first, then days, each summed.
-#}
{% macro _before(as_of, spans) %}
    {%- set total = namespace(months=0, days=0) -%}
    {%- for span in spans if span -%}
        {%- set total.months = total.months + span.months -%}
        {%- set total.days = total.days + span.days -%}
    {%- endfor -%}
    {{- return(
        (holdfast.plus_months(as_of, -total.months) if total.months else as_of)
        ~ (' - interval ' ~ total.days ~ ' day' if total.days else '')
    ) -}}
{% endmacro %}


{% macro _window_start(window, view, as_of) %}
    {{- return(holdfast._before(as_of, [view.delay, window.offset, window.length])) -}}
{% endmacro %}


{#- Windows end at as_of, less the view's blind spot and the window's own offset. -#}
{% macro _window_end(window, view, as_of) %}
    {{- return(holdfast._before(as_of, [view.delay, window.offset if window else none])) -}}
{% endmacro %}


{#- An event is known at as_of: it happened before, and it had been loaded before, where that is told. -#}
{% macro _is_known(view, as_of) %}
    {%- set event_at = 'events.' ~ holdfast.quoted(view.event_at) -%}
    {%- set conditions = [event_at ~ ' < ' ~ holdfast._window_end(none, view, as_of)] -%}
    {%- if view.known_at -%}
        {%- do conditions.append('coalesce(events.' ~ holdfast.quoted(view.known_at) ~ ', ' ~ event_at ~ ') < ' ~ as_of) -%}
    {%- endif -%}
    {{- return(conditions | join(' and ')) -}}
{% endmacro %}


{#- Where the longest window begins; months and days cannot be compared without a date, so the warehouse does it. -#}
{% macro _earliest_start(view, as_of) %}
    {%- set starts = [] -%}
    {%- for column in view.columns if column.window -%}
        {%- set start = holdfast._window_start(column.window, view, as_of) -%}
        {%- if start not in starts -%}
            {%- do starts.append(start) -%}
        {%- endif -%}
    {%- endfor -%}
    {{- return(starts[0] if starts | length == 1 else 'least(' ~ starts | join(', ') ~ ')') -}}
{% endmacro %}


{#- An aggregate call, restricted to the events of its window that meet its condition. -#}
{% macro _aggregate(column, view, as_of) %}
    {%- set conditions = [] -%}
    {%- if column.window -%}
        {%- set event_at = 'events.' ~ holdfast.quoted(view.event_at) -%}
        {%- do conditions.append(event_at ~ ' >= ' ~ holdfast._window_start(column.window, view, as_of)) -%}
        {%- if column.window.offset -%}
            {%- do conditions.append(event_at ~ ' < ' ~ holdfast._window_end(column.window, view, as_of)) -%}
        {%- endif -%}
    {%- endif -%}
    {%- if column.where -%}
        {%- do conditions.append('(' ~ column.where ~ ')' if conditions else column.where) -%}
    {%- endif -%}
    {{- return(column.sql ~ (' filter (where ' ~ conditions | join(' and ') ~ ')' if conditions else '')) -}}
{% endmacro %}


{#- The value of a spine row: days since for a recency, and what an absence of events means. -#}
{% macro _finish(column, value) %}
    {%- if column.recency -%}
        {{- return(holdfast.days_between(value, 'spine.as_of')) -}}
    {%- elif column.empty is none -%}
        {{- return(value) -}}
    {%- else -%}
        {{- return('coalesce(' ~ value ~ ', ' ~ column.empty ~ ')') -}}
    {%- endif -%}
{% endmacro %}


{#-
  The column of the load time: the one named, or loaded_at where the events have it; `known_at=false` for none. The
  events must have the columns that the view names; what its aggregates name the warehouse checks itself. A CTE of the
  same model cannot be asked.
-#}
{% macro _known_at(events, view, known_at) %}
    {%- if events is not string and not holdfast.exists(events) -%}
        {{- return(known_at or none) -}}
    {%- endif -%}
    {%- set found = holdfast._column_types(events) -%}
    {%- for column in [view.event_at] + view.entity + ([known_at] if known_at else []) if column | lower not in found -%}
        {%- do holdfast._refuse_view('the events ' ~ events ~ ' have no column ' ~ column ~ '; they have ' ~ found.keys() | join(', ')) -%}
    {%- endfor -%}
    {%- set told = ('loaded_at' if 'loaded_at' in found else none) if known_at is none else known_at or none -%}
    {#- compared with a timestamp, text would be cast, and lose its offset -#}
    {%- for column in [view.event_at] + ([told] if told else []) if not holdfast._is_time_type(found[column | lower]) -%}
        {%- do holdfast._refuse_view(
            column ~ ' of the events ' ~ events ~ ' must be a timestamp or a date, in UTC; it is ' ~ found[column | lower] ~ '. Cast it before, '
            ~ "text with an offset by cast(" ~ column ~ " as timestamptz) at time zone 'UTC', seconds since 1970 by to_timestamp(" ~ column ~ ')'
        ) -%}
    {%- endfor -%}
    {{- return(told) -}}
{% endmacro %}


{#- The spine must have the entity's columns and as_of; a time zone would make midnight depend on the session. -#}
{% macro _check_spine(spine, view) %}
    {%- if spine is not string and holdfast.exists(spine) -%}
        {%- set found = holdfast._column_types(spine) -%}
        {%- for column in view.entity + ['as_of'] if column | lower not in found -%}
            {%- do holdfast._refuse_view('the spine ' ~ spine ~ ' has no column ' ~ column ~ '; it has ' ~ found.keys() | join(', ')) -%}
        {%- endfor -%}
        {%- if 'TIMESTAMP' not in found['as_of'] or 'TIME ZONE' in found['as_of'] -%}
            {%- do holdfast._refuse_view(
                'as_of of the spine ' ~ spine ~ ' must be a timestamp without time zone, in UTC; it is ' ~ found['as_of']
            ) -%}
        {%- endif -%}
    {%- endif -%}
{% endmacro %}
