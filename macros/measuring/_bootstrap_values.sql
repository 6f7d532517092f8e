{#-
  The CTEs of a Poisson bootstrap of predicted numbers, up to `intervals` (slice, metric, value, lower, upper): 95 %
  percentile intervals of means and errors, of the ranking, and of mean and lift by decile. As _bootstrap: sums by
  group of customers and fiftieth of the ranks are all that a replicate needs, and `value` is the metric of the sums undrawn.
-#}
{% macro _bootstrap_values(binned) %}
    {%- set sums = ['row_count', 'total', 'predicted', 'error', 'squared_error', 'deviation', 'squared_deviation'] -%}
cells as (

    select
        slice,
        {{ holdfast._customer_group('customer_id') }} as customer_group,
        'predicted' as ranked_by,
        predicted_bin as bin,
        decile,
        count(*) as row_count,
        sum(outcome) as total,
        sum(predicted_value) as predicted,
        sum(abs(error)) as error,
        sum(error * error) as squared_error,
        sum(deviation) as deviation,
        sum(deviation * deviation) as squared_deviation,
    from {{ binned }}
    group by slice, customer_group, bin, decile

    union all

    -- the best ranking that there is: by what came
    select
        slice,
        {{ holdfast._customer_group('customer_id') }} as customer_group,
        'outcome' as ranked_by,
        outcome_bin as bin,
        null as decile,
        count(*) as row_count,
        null as total,
        null as predicted,
        null as error,
        null as squared_error,
        sum(deviation) as deviation,
        null as squared_deviation,
    from {{ binned }}
    group by slice, customer_group, bin

),

{{ holdfast._draws() }}

drawn as (

    select
        cells.slice,
        draws.replicate,
        cells.ranked_by,
        cells.bin,
        cells.decile,
        {% for name in sums -%}
        sum(draws.weight * cells.{{ name }}) as {{ name }},
        {% endfor -%}
    from cells
    inner join draws
        on draws.customer_group = cells.customer_group
        and draws.weight > 0
    group by cells.slice, draws.replicate, cells.ranked_by, cells.bin, cells.decile

),

drawn_bins as (

    select
        slice,
        replicate,
        ranked_by,
        deviation,
        sum(row_count) over (
            partition by slice, replicate, ranked_by order by bin asc nulls last rows unbounded preceding
        ) - row_count / 2e0 as middle,
        sum(row_count) over (partition by slice, replicate, ranked_by) / 2e0 as middle_of_all,
    from (
        select
            slice,
            replicate,
            ranked_by,
            bin,
            sum(row_count) as row_count,
            sum(deviation) as deviation,
        from drawn
        group by slice, replicate, ranked_by, bin
    )

),

drawn_ranking as (

    select
        slice,
        replicate,
        sum(deviation * (middle - middle_of_all)) filter (where ranked_by = 'predicted')
       
        / cast(nullif(sum(deviation * (middle - middle_of_all)) filter (where ranked_by = 'outcome'), 0) as double) as gini,
    from drawn_bins
    group by slice, replicate

),

drawn_sums as (

    select
        slice,
        replicate,
        sum(row_count) as row_count,
        sum(total) as total,
        sum(total) / cast(sum(row_count) as double) as mean_label,
        sum(predicted) / cast(sum(row_count) as double) as mean_prediction,
        sqrt(sum(squared_error) / cast(sum(row_count) as double)) as rmse,
        sum(error) / cast(sum(row_count) as double) as mae,
        -- a replicate of equal outcomes has a spread of nothing but rounding
        sum(squared_deviation) - sum(deviation) * sum(deviation) / cast(sum(row_count) as double) as spread,
        spread > 1e-12 * sum(squared_deviation) as varies,
        1e0 - sum(squared_error) / cast(nullif(spread, 0) as double) as r2,
    from drawn
    where ranked_by = 'predicted'
    group by slice, replicate

),

drawn_metrics as (

    select
        drawn_sums.* replace (case when drawn_sums.varies then drawn_sums.r2 end as r2),
        case when drawn_sums.varies then drawn_ranking.gini end as gini,
    from drawn_sums
    inner join drawn_ranking
        on drawn_ranking.slice = drawn_sums.slice
        and drawn_ranking.replicate = drawn_sums.replicate

),

drawn_deciles as (

    select
        drawn.slice,
        drawn.replicate,
        drawn.decile,
        any_value(drawn_sums.mean_label) as mean_label,
        any_value(drawn_sums.total) as total_of_all,
        sum(drawn.row_count) as row_count,
        sum(drawn.total) as total,
    from drawn
    inner join drawn_sums
        on drawn_sums.slice = drawn.slice
        and drawn_sums.replicate = drawn.replicate
    where drawn.ranked_by = 'predicted'
    group by drawn.slice, drawn.replicate, drawn.decile

),

replicates as (

    {% for metric in ['mean_label', 'mean_prediction', 'rmse', 'mae', 'r2', 'gini'] -%}
    select
        slice,
        replicate,
        '{{ metric }}' as metric,
        {{ metric }} as value,
    from drawn_metrics

    union all

    {% endfor -%}
    select
        slice,
        replicate,
        'observed_decile_' || decile as metric,
        total / cast(row_count as double) as value,
    from drawn_deciles

    union all

    select
        slice,
        replicate,
        'lift_decile_' || decile as metric,
        case when total_of_all > 0 then total / cast(row_count as double) / cast(mean_label as double) end as value,
    from drawn_deciles

),

intervals as (

    select
        slice,
        metric,
        max(value) filter (where replicate = 0) as value,
        quantile_cont(value, 0.025) filter (where replicate > 0) as lower,
        quantile_cont(value, 0.975) filter (where replicate > 0) as upper,
    from replicates
    group by slice, metric

),
{%- endmacro %}
