{#-
  The CTE `long` (slice, metric, value): the metrics `single` of the CTE `wide`, and those `by_decile` of `deciles`, where `lift` and
  `gain` are SQL expressions over `deciles` and `summed`.
-#}
{% macro _long(single, by_decile, lift, gain) %}
long as (

    {% for metric in single -%}
    select
        slice,
        '{{ metric }}' as metric,
        cast({{ metric }} as double) as value,
    from wide

    union all

    {% endfor -%}
    {% for metric in by_decile -%}
    select
        slice,
        '{{ metric }}_decile_' || decile as metric,
        cast({{ metric }} as double) as value,
    from (
        select
            deciles.*,
            {{ lift }} as lift,
            {{ gain }} as gain,
        from deciles
        inner join summed on summed.slice = deciles.slice
    )
    {{ 'union all' if not loop.last }}
    {% endfor %}
),
{%- endmacro %}
