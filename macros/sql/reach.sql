{#- How far the orders reach, a SQL expression of type timestamp; settled with the as-of date, so that the two agree. -#}
{% macro _reach_of_orders(orders) %}
    {%- if not execute or not holdfast.exists(orders) -%}
        {{- return(holdfast._reach_of(orders, 'ordered_at', 'loaded_at')) -}}
    {%- endif -%}
    {#- `--empty` and `--sample` give fewer rows of what is read, and no other reach -#}
    {%- set all_orders = api.Relation.create(database=orders.database, schema=orders.schema, identifier=orders.identifier) -%}
    {{- return(holdfast._settled_reach('reach of orders', holdfast._reach_of(all_orders, 'ordered_at', 'loaded_at'))) -}}
{% endmacro %}


{#- The moment that a query gives, as this invocation has settled it, or settles it now. -#}
{% macro _settled_reach(name, query) %}
    {%- if not holdfast._can_settle() -%}
        {{- return(query) -}}
    {%- endif -%}
    {%- set reach = holdfast._settled(name) -%}
    {%- if reach is none -%}
        {%- set reach = holdfast._settled(name, query) -%}
    {%- endif -%}
    {{- return('cast(' ~ holdfast.text(reach) ~ ' as timestamp)' if reach else 'cast(null as timestamp)') -}}
{% endmacro %}


{#- The query of how far a table of events reaches; to `beyond`, where its last silence is no longer than is usual. -#}
{% macro _reach_of(events, happened_at, loaded_at, beyond=none) %}
    {%- set sql -%}
(
    with holdfast_events as (
        select
            {{ happened_at }} as happened_at,
            {{ loaded_at }} as loaded_at
        from {{ events }}
        where {{ happened_at }} <= {{ holdfast.as_utc(dbt.current_timestamp()) }}
    ),
    newest as (
        select
            happened_at,
            loaded_at,
            row_number() over (order by happened_at desc nulls last, loaded_at desc nulls last) as place,
            epoch(happened_at) - epoch(lead(happened_at) over (order by happened_at desc nulls last, loaded_at desc nulls last)) as silence,
            least((select count(*) from holdfast_events) // 100, 100) as odd_places
        from (select * from holdfast_events order by happened_at desc nulls last limit 1100) as holdfast_events
    ),
    odd as (
        select
            coalesce(max(place) filter (
                where place <= odd_places and silence > greatest(7 * 86400, usual_silence)
            ), 0) as places
        from (
            select *, max(silence) filter (where place > odd_places) over () as usual_silence from newest
        ) as newest
    )
    select greatest(
        max(newest.happened_at),
        -- least() passes over NULL, too: without load times nothing tells that the day is over
        case
            when max(newest.loaded_at) is not null
                then least(max(newest.loaded_at), date_trunc('day', max(newest.happened_at)) + interval 1 day)
        end
        {%- if beyond %},
        case
            when epoch({{ beyond }}) - epoch(max(newest.happened_at)) <= greatest(7 * 86400, max(newest.silence))
                then {{ beyond }}
        end
        {%- endif %}
    )
    from newest
    cross join odd
    where newest.place > odd.places
)
    {%- endset -%}
    {{- return(sql) -}}
{% endmacro %}
