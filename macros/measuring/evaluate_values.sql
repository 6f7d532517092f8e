{#-
  The select of every metric of predicted numbers: rows of model_evaluations, as `evaluate` gives them of probabilities.
  `predictions` has model_id, task, split, segment, customer_id, as_of, predicted_value and outcome (the number that came);
  rows with segment NULL are all rows, those with a segment come beside them. docs/models.md defines the metrics.
-#}
{% macro evaluate_values(predictions) %}
    {{- return(adapter.dispatch('evaluate_values', 'holdfast')(predictions)) -}}
{% endmacro %}


{% macro default__evaluate_values(predictions) %}
    {%- set single = ['row_count', 'mean_label', 'mean_prediction', 'rmse', 'mae', 'r2', 'gini'] -%}
    {%- set by_decile = ['row_count', 'predicted', 'observed', 'lift', 'gain'] -%}
with

{{ holdfast._slices(predictions) }}

numbered as (

    select
        slice,
        customer_id,
        predicted_value,
        outcome,
        predicted_value - outcome as error,
        -- squares of large numbers that are close to each other cancel out: so spread is counted from the mean
        outcome - avg(outcome) over (partition by slice) as deviation,
        count(*) over (partition by slice) as slice_rows,
        row_number() over (
            partition by slice order by predicted_value desc nulls last, customer_id asc nulls last, as_of asc nulls last
        ) as position,
        rank() over (partition by slice order by predicted_value desc nulls last) as predicted_rank,
        rank() over (partition by slice order by outcome desc nulls last) as outcome_rank,
    from sliced

),

-- a fiftieth of the ranks is a bin, in which equal values stay together; a tenth is a decile, the largest predictions are 1
binned as (

    select
        *,
        cast(floor((predicted_rank - 1) * 50 / cast(slice_rows as double)) as integer) + 1 as predicted_bin,
        cast(floor((outcome_rank - 1) * 50 / cast(slice_rows as double)) as integer) + 1 as outcome_bin,
        cast(floor((position - 1) * 10 / cast(slice_rows as double)) as integer) + 1 as decile,
    from numbered

),

deciles as (

    select
        slice,
        decile,
        count(*) as row_count,
        sum(outcome) as total,
        avg(predicted_value) as predicted,
        avg(outcome) as observed,
    from binned
    group by slice, decile

),

-- the covariance of the outcome with its place among the predictions, and among the outcomes; equal values share theirs
ranking as (

    {% for ranked_by in ['predicted', 'outcome'] -%}
    select
        slice,
        '{{ ranked_by }}' as ranked_by,
        sum(deviation * (rank - 1 + row_count / 2e0 - slice_rows / 2e0)) as covariance,
    from (
        select
            slice,
            slice_rows,
            {{ ranked_by }}_rank as rank,
            count(*) as row_count,
            sum(deviation) as deviation,
        from binned
        group by slice, slice_rows, rank
    )
    group by slice
    {{ 'union all' if not loop.last }}
    {% endfor %}
),

summed as (

    select
        slice,
        count(*) as row_count,
        sum(outcome) as total,
        avg(outcome) as mean_label,
        avg(predicted_value) as mean_prediction,
        sqrt(avg(error * error)) as rmse,
        avg(abs(error)) as mae,
        -- what is left of the deviations of equal outcomes is the rounding of their mean
        max(outcome) > min(outcome) as varies,
        1e0 - sum(error * error) / cast(nullif(sum(deviation * deviation), 0) as double) as r2,
    from binned
    group by slice

),

wide as (

    select
        summed.* replace (case when summed.varies then summed.r2 end as r2),
        case when summed.varies then predicted.covariance
        / cast(nullif(outcome.covariance, 0) as double) + 0e0 end as gini,
    from summed
    inner join ranking as predicted
        on predicted.slice = summed.slice
        and predicted.ranked_by = 'predicted'
    inner join ranking as outcome
        on outcome.slice = summed.slice
        and outcome.ranked_by = 'outcome'

),

-- a share of nothing, or of a loss, is none
{{ holdfast._long(
    single, by_decile,
    lift='case when summed.total > 0 then deciles.observed / cast(summed.mean_label as double) end',
    gain='case when summed.total > 0 then sum(deciles.total) over (partition by deciles.slice order by deciles.decile asc nulls last) / cast(summed.total as double) end',
) }}

{{ holdfast._bootstrap_values('binned') }}

final as (

    select
        slices.model_id,
        slices.task,
        slices.split,
        slices.segment,
        slices.scope as as_of,
        long.metric,
        {{ holdfast._twelve_digits('long.value') }} as value,
        {{ holdfast._twelve_digits('intervals.lower + (long.value - intervals.value)') }} as lower,
        {{ holdfast._twelve_digits('intervals.upper + (long.value - intervals.value)') }} as upper,
    from long
    inner join slices on slices.slice = long.slice
    left join intervals
        on intervals.slice = long.slice
        and intervals.metric = long.metric

)

select * from final
{%- endmacro %}


{#- A sum over threads ends differently in its last digits, and a number may be large: a SQL expression of the first twelve. -#}
{% macro _twelve_digits(value) %}
    {{- return('round(' ~ value ~ ', 12 - cast(ceil(log10(greatest(abs(' ~ value ~ '), 1e0))) as integer))') -}}
{% endmacro %}
