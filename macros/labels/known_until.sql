{#-
  The moment up to which outcomes are known, a SQL expression of type timestamp: no later than the build's as-of date, and
  no later than the data reach. They reach until the last order, or to the end of its day where they were loaded after that;
  a month, or a horizon, that ends later is not over, for orders of it may still come.

  A few odd rows do not lift it: orders after a silence that is longer than a week, and than any among the thousand orders
  before, count only when they are more than one in a hundred of all orders (or a hundred).
-#}
{% macro known_until() %}
    {%- set as_of = 'cast(' ~ holdfast.as_of_date() ~ ' as timestamp)' -%}
    {%- set sql -%}
least({{ as_of }}, (
    with orders as (
        select
            ordered_at,
            loaded_at
        from {{ ref('holdfast', 'stg_holdfast__orders') }}
        where ordered_at <= {{ holdfast.as_utc(dbt.current_timestamp()) }}
    ),
    newest as (
        select
            ordered_at,
            loaded_at,
            row_number() over (order by ordered_at desc nulls last, loaded_at desc nulls last) as place,
            epoch(ordered_at) - epoch(lead(ordered_at) over (order by ordered_at desc nulls last, loaded_at desc nulls last)) as silence,
            least((select count(*) from orders) // 100, 100) as odd_places
        from (select * from orders order by ordered_at desc nulls last limit 1100) as orders
    ),
    odd as (
        select coalesce(max(place) filter (
            where place <= odd_places and silence > greatest(7 * 86400, usual_silence)
        ), 0) as places
        from (
            select *, max(silence) filter (where place > odd_places) over () as usual_silence from newest
        ) as newest
    )
    select greatest(
        max(newest.ordered_at),
        least(max(newest.loaded_at), date_trunc('day', max(newest.ordered_at)) + interval 1 day)
    )
    from newest
    cross join odd
    where newest.place > odd.places
))
    {%- endset -%}
    {{- return(sql) -}}
{% endmacro %}
