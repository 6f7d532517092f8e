{#-
  The CTEs of a Poisson bootstrap, up to `intervals` (slice, metric, value, mean, lower, upper): 95 % percentile intervals of
  AUROC, average precision, log loss, Brier score, calibration error, and rate and lift by decile.

  Sums by group of customers (see _draws) and fiftieth of the ranks are all that a replicate needs: its cost has a bound,
  however many the rows. `value` is the metric of the same sums undrawn: what fiftieths cost in exactness is known, and
  taken off.
-#}
{% macro _bootstrap(binned) %}
cells as (

    select
        slice,
        {{ holdfast._customer_group('customer_id') }} as customer_group,
        bin,
        count(*) as row_count,
        sum(outcome) as positives,
        sum(probability) as predicted,
        sum(loss) as loss,
        sum(squared_error) as squared_error,
    from {{ binned }}
    group by slice, customer_group, bin

),

{{ holdfast._draws() }}

drawn as (

    select
        cells.slice,
        draws.replicate,
        cells.bin,
        sum(draws.weight * cells.row_count) as row_count,
        sum(draws.weight * cells.positives) as positives,
        sum(draws.weight * cells.predicted) as predicted,
        sum(draws.weight * cells.loss) as loss,
        sum(draws.weight * cells.squared_error) as squared_error,
    from cells
    inner join draws
        on draws.customer_group = cells.customer_group
        and draws.weight > 0
    group by cells.slice, draws.replicate, cells.bin

),

drawn_curve as (

    select
        *,
        sum(row_count) over above as rows_above,
        sum(positives) over above as positives_above,
    from drawn
    window above as (partition by slice, replicate order by bin asc nulls last rows unbounded preceding)

),

drawn_sums as (

    select
        slice,
        replicate,
        sum(row_count) as row_count,
        sum(positives) as positives,
        sum((row_count - positives) * (positives_above - positives / 2e0))
        / cast(nullif(sum(positives) * (sum(row_count) - sum(positives)), 0) as double) as auroc,
        sum(positives * positives_above / cast(rows_above as double)) / cast(nullif(sum(positives), 0) as double) as average_precision,
        sum(loss) / cast(sum(row_count) as double) as log_loss,
        sum(squared_error) / cast(sum(row_count) as double) as brier,
    from drawn_curve
    group by slice, replicate

),

drawn_deciles as (

    select
        slice,
        replicate,
        (bin - 1) // 5 + 1 as decile,
        sum(row_count) as row_count,
        sum(positives) as positives,
        sum(predicted) as predicted,
    from drawn
    group by slice, replicate, decile

),

replicates as (

    {% for metric in ['auroc', 'average_precision', 'log_loss', 'brier'] -%}
    select
        slice,
        replicate,
        '{{ metric }}' as metric,
        {{ metric }} as value,
    from drawn_sums

    union all

    {% endfor -%}
    select
        slice,
        replicate,
        'expected_calibration_error' as metric,
        sum(abs(positives - predicted)) / cast(sum(row_count) as double) as value,
    from drawn_deciles
    group by slice, replicate

    union all

    select
        slice,
        replicate,
        'observed_decile_' || decile as metric,
        positives / cast(row_count as double) as value,
    from drawn_deciles

    union all

    select
        drawn_deciles.slice,
        drawn_deciles.replicate,
        'lift_decile_' || drawn_deciles.decile as metric,
        drawn_deciles.positives / cast(drawn_deciles.row_count as double)
        / cast(nullif(drawn_sums.positives / cast(drawn_sums.row_count as double), 0) as double) as value,
    from drawn_deciles
    inner join drawn_sums
        on drawn_sums.slice = drawn_deciles.slice
        and drawn_sums.replicate = drawn_deciles.replicate

),

intervals as (

    select
        slice,
        metric,
        max(value) filter (where replicate = 0) as value,
        avg(value) filter (where replicate > 0) as mean,
        quantile_cont(value, 0.025) filter (where replicate > 0) as lower,
        quantile_cont(value, 0.975) filter (where replicate > 0) as upper,
    from replicates
    group by slice, metric

),
{%- endmacro %}
