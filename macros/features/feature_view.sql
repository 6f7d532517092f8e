{#-
  The select of a feature view: exactly the rows of its spine, and for each the features as they were known then.
  Only events strictly before `as_of` count; a window of n days is [as_of - n days, as_of).
-#}
{% macro feature_view(
    spine, events, event_at, features={}, windows=[], lifetime={}, recency={}, entity=['customer_id'],
    known_at=none, delay=0
) %}
    {%- do holdfast._note_spine(spine, entity) -%}
    {%- set view = holdfast._read_view(event_at, features, windows, lifetime, recency, entity, delay) -%}
    {%- if not execute -%}
        {#- the relations are refs already; their columns are asked for when the model is built -#}
        {{- return('select 1 as parse_only') -}}
    {%- endif -%}
    {%- do holdfast._check_spine(spine, view) -%}
    {%- do view.update({'known_at': holdfast._known_at(events, view, known_at), 'events': holdfast._finite_events(events)}) -%}
    {%- do holdfast._note_events(events, view) -%}
    {%- set pending = holdfast._pending_dates(spine, view.key_columns) -%}
    {%- if pending.dates is none -%}
        {{- return(holdfast._range_join_form(spine, view, pending.condition)) -}}
    {%- else -%}
        {{- return(holdfast._date_by_date_form(spine, view, pending)) -}}
    {%- endif -%}
{% endmacro %}


{#-
  For few observation dates: one grouped pass over the events of each date, with the date a constant, so that the
  warehouse reads only the events of the longest window. What is counted over the lifetime is not read anew for each
  date: it is summed between the dates once and carried forward.
-#}
{% macro _date_by_date_form(spine, view, pending) %}
    {%- set carried = [] -%}
    {%- set direct = [] -%}
    {%- for column in view.columns -%}
        {%- if column.carry is not none and pending.dates | length > 1 -%}
            {%- do carried.append(column) -%}
        {%- else -%}
            {%- do direct.append(column) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- set all_windowed = direct | selectattr('lifetime') | list | length == 0 -%}
with

spine as (

    select
        {{ holdfast._key_list('', view.key_columns) }}
        as_of,
    from {{ spine }}
    {%- if pending.condition %}
    where {{ pending.condition }}
    {%- endif %}

),

{% if direct -%}
aggregated as (

    {%- for date in pending.dates %}
    {%- set as_of = 'timestamp ' ~ holdfast.text(date) %}

    select
        {{ holdfast._key_list('events.', view.key_columns) }}
        {{ as_of }} as as_of,
        {%- for column in direct %}
        {{ holdfast._aggregate(column, view, as_of) }} as {{ holdfast.quoted(column.name) }},
        {%- endfor %}
    from {{ view.events }} as events
    where
        {{ holdfast._is_known(view, as_of) }}
        {%- if all_windowed %}
        and events.{{ holdfast.quoted(view.event_at) }} >= {{ holdfast._earliest_start(view, as_of) }}
        {%- endif %}
    group by {{ holdfast._key_list('events.', view.key_columns) | trim | trim(',') }}
    {%- if not loop.last %}

    union all
    {%- endif %}
    {%- endfor %}

),

{% endif -%}
{% if carried -%}
-- what became known between one date and the next
steps as (

    select
        {{ holdfast._key_list('events.', view.key_columns) }}
        case
            {%- for date in pending.dates %}
            when {{ holdfast._is_known(view, 'timestamp ' ~ holdfast.text(date)) }} then timestamp {{ holdfast.text(date) }}
            {%- endfor %}
        end as as_of,
        {%- for column in carried %}
        {{ holdfast._aggregate(column.carry.step, view, none) }} as {{ holdfast.quoted(column.name) }},
        {%- endfor %}
    from {{ view.events }} as events
    where {{ holdfast._is_known(view, 'timestamp ' ~ holdfast.text(pending.dates[-1])) }}
    group by all

),

steps_and_spine as (

    select
        *,
        false as is_spine,
    from steps
    union all by name
    select distinct
        *,
        true as is_spine,
    from spine

),

carried as (

    select
        {{ holdfast._key_list('', view.key_columns) }}
        as_of,
        is_spine,
        {%- for column in carried %}
        {%- set name = holdfast.quoted(column.name) %}
        {{ column.carry.combine | replace('()', '(' ~ name ~ ') over so_far') }} as {{ name }},
        {%- endfor %}
    from steps_and_spine
    window so_far as (
        partition by {{ holdfast._key_list('', view.key_columns) | trim | trim(',') }}
        order by as_of asc nulls last
        range between unbounded preceding and current row
    )

),

{% endif -%}
final as (

    select
        spine.*,
        {%- for column in view.columns %}
        {%- set source = ('carried.' if column in carried else 'aggregated.') ~ holdfast.quoted(column.name) %}
        {{ holdfast._finish(column, source) }} as {{ holdfast.quoted(column.name) }},
        {%- endfor %}
    from spine
    {%- if direct %}
    left join aggregated on {{ holdfast._same_row('aggregated', view.key_columns) }}
    {%- endif %}
    {%- if carried %}
    left join carried on carried.is_spine and {{ holdfast._same_row('carried', view.key_columns) }}
    {%- endif %}

)

select * from final
{%- endmacro %}


{#- For any spine, arbitrary timestamps included: each row of the spine meets the events it may know. -#}
{% macro _range_join_form(spine, view, condition) %}
    {%- set all_windowed = view.columns | selectattr('lifetime') | list | length == 0 -%}
with

spine as (

    select
        {{ holdfast._key_list('', view.key_columns) }}
        as_of,
    from {{ spine }}
    {%- if condition %}
    where {{ condition }}
    {%- endif %}

),

aggregated as (

    select
        {{ holdfast._key_list('spine.', view.key_columns) }}
        spine.as_of,
        {%- for column in view.columns %}
        {{ holdfast._aggregate(column, view, 'spine.as_of') }} as {{ holdfast.quoted(column.name) }},
        {%- endfor %}
    from spine
    inner join {{ view.events }} as events
        on {{ holdfast._is_known(view, 'spine.as_of') }}
        {%- if all_windowed %}
        and events.{{ holdfast.quoted(view.event_at) }} >= {{ holdfast._earliest_start(view, 'spine.as_of') }}
        {%- endif %}
        {%- for key in view.key_columns %}
        and events.{{ key }} = spine.{{ key }}
        {%- endfor %}
    group by
        {{ holdfast._key_list('spine.', view.key_columns) }}
        spine.as_of

),

final as (

    select
        spine.*,
        {%- for column in view.columns %}
        {{ holdfast._finish(column, 'aggregated.' ~ holdfast.quoted(column.name)) }} as {{ holdfast.quoted(column.name) }},
        {%- endfor %}
    from spine
    left join aggregated on {{ holdfast._same_row('aggregated', view.key_columns) }}

)

select * from final
{%- endmacro %}
