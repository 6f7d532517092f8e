{{ config(enabled=holdfast.has_system('recommendations')) }}
-- the figures of the lists beside each other, all dates together
{% set metrics = ['hit_rate_at_10', 'recall_at_10', 'ndcg_at_10'] -%}
with

evaluations as (

    select
        all_figures.*,
        coalesce(replace(all_figures.segment, 'list: ', ''), 'top') as list,
    from {{ holdfast.evaluations_of('recommendation') }} as all_figures

),

totals as (

    select
        list,
        algorithm,
        stage,
        {% for metric in metrics -%}
        max(value) filter (where metric = {{ holdfast.text(metric) }}) as {{ metric }},
        max(lower) filter (where metric = {{ holdfast.text(metric) }}) as {{ metric }}_lower,
        max(upper) filter (where metric = {{ holdfast.text(metric) }}) as {{ metric }}_upper,
        {% endfor -%}
        max(row_count) as customers,
    from evaluations
    where as_of is null
    group by list, algorithm, stage

),

by_date as (

    select
        list,
        algorithm,
        min(as_of) as tested_from,
        max(as_of) as tested_to,
        count(distinct as_of) as dates,
        {{ holdfast.value_at_max('value', 'as_of') }} as catalogue_coverage,
    from evaluations
    where metric = 'catalogue_coverage'
    group by list, algorithm

),

fallback as (

    select
        list,
        algorithm,
        max(value) as share_with_fallback,
    from evaluations
    where metric = 'share_with_fallback'
    group by list, algorithm

),

final as (

    select
        {{ holdfast.as_of_date() }} as as_of_date,
        totals.list,
        totals.algorithm,
        totals.stage,
        cast(totals.customers as bigint) as row_count,
        by_date.tested_from,
        by_date.tested_to,
        cast(by_date.dates as integer) as dates,
        {% for metric in metrics -%}
        totals.{{ metric }},
        totals.{{ metric }}_lower,
        totals.{{ metric }}_upper,
        {% endfor -%}
        by_date.catalogue_coverage,
        fallback.share_with_fallback,
        cast(rank() over (
            partition by totals.list
            order by totals.ndcg_at_10 desc nulls last
        ) as integer) as place,
    from totals
    inner join by_date
        on by_date.list = totals.list
        and by_date.algorithm = totals.algorithm
    left join fallback
        on fallback.list = totals.list
        and fallback.algorithm = totals.algorithm

)

select * from final
