{#-
  The select of every metric of some predictions: rows of model_evaluations. `predictions` has model_id, task, split,
  segment, customer_id, as_of, probability (0 to 1) and outcome (0 or 1); rows with segment NULL are all rows, those with
  a segment come beside them. Each as_of is measured alone, and all together (as_of NULL); segments only all together.
  docs/models.md defines the metrics.
-#}
{% macro evaluate(predictions) %}
    {{- return(adapter.dispatch('evaluate', 'holdfast')(predictions)) -}}
{% endmacro %}


{% macro default__evaluate(predictions) %}
    {%- set budget = holdfast.setting('contact_budget') -%}
    {%- set contact_cost = holdfast._double(holdfast.setting('contact_cost')) -%}
    {%- set offer_cost = holdfast._double(holdfast.setting('offer_cost')) -%}
    {%- set save_rate = holdfast._double(holdfast.setting('save_rate')) -%}
    {%- set customer_value = holdfast._double(holdfast.setting('customer_value')) -%}
    {#- a churner who is reached stays with the save rate and takes the offer; who would have stayed takes it, too -#}
    {%- set of_churner = '(' ~ save_rate ~ ' * (' ~ customer_value ~ ' - ' ~ offer_cost ~ ') - ' ~ contact_cost ~ ')' -%}
    {%- set of_stayer = '(' ~ contact_cost ~ ' + ' ~ offer_cost ~ ')' -%}
    {%- set newton_steps = 12 -%}
    {%- set single = [
        'row_count', 'base_rate', 'mean_probability', 'auroc', 'average_precision', 'log_loss', 'brier',
        'expected_calibration_error', 'calibration_slope', 'calibration_intercept', 'precision_at_budget',
        'profit_at_budget', 'maximum_profit', 'maximum_profit_share',
    ] -%}
    {%- set by_decile = ['row_count', 'predicted', 'observed', 'lift', 'gain'] -%}
with

{{ holdfast._slices(predictions) }}

numbered as (

    select
        slice,
        customer_id,
        as_of,
        probability,
        outcome,
        least(greatest(probability, 1e-15), 1e0 - 1e-15) as clipped,
        count(*) over (partition by slice) as slice_rows,
        row_number() over (
            partition by slice order by probability desc nulls last, customer_id asc nulls last, as_of asc nulls last
        ) as position,
        count(*) over (partition by slice, as_of) as date_rows,
        row_number() over (
            partition by slice, as_of order by probability desc nulls last, customer_id asc nulls last
        ) as date_position,
    from sliced

),

-- a fiftieth of the ranks is a bin, a tenth a decile; the riskiest are 1
binned as (

    select
        *,
        cast(floor((position - 1) * 50 / cast(slice_rows as double)) as integer) + 1 as bin,
        cast(floor((position - 1) * 10 / cast(slice_rows as double)) as integer) + 1 as decile,
        date_position <= {{ holdfast._contacts(budget, 'date_rows') }} as is_contacted,
        -(outcome * ln(clipped) + (1 - outcome) * ln(1e0 - clipped)) as loss,
        (probability - outcome) * (probability - outcome) as squared_error,
    from numbered

),

deciles as (

    select
        slice,
        decile,
        count(*) as row_count,
        sum(outcome) as positives,
        avg(probability) as predicted,
        avg(outcome) as observed,
    from binned
    group by slice, decile

),

summed as (

    select
        slice,
        count(*) as row_count,
        sum(outcome) as positives,
        avg(outcome) as base_rate,
        avg(probability) as mean_probability,
        avg(loss) as log_loss,
        avg(squared_error) as brier,
        avg(outcome) filter (where is_contacted) as precision_at_budget,
        sum(case when outcome = 1 then {{ of_churner }} else -{{ of_stayer }} end) filter (where is_contacted)
        / cast(count(*) as double) as profit_at_budget,
    from binned
    group by slice

),

calibration as (

    select
        slice,
        sum(row_count * abs(observed - predicted)) / cast(sum(row_count) as double) as expected_calibration_error,
    from deciles
    group by slice

),

-- rows of the same probability stand or fall together
ties as (

    select
        slice,
        probability,
        any_value(ln(clipped / cast(1e0 - clipped as double))) as log_odds,
        count(*) as row_count,
        sum(outcome) as positives,
    from binned
    group by slice, probability

),

curve as (

    select
        *,
        sum(row_count) over above as rows_above,
        sum(positives) over above as positives_above,
    from ties
    window above as (partition by slice order by probability desc nulls last rows unbounded preceding)

),

-- what a customer brings on average when all down to this probability are contacted
thresholds as (

    select
        curve.*,
        summed.row_count as slice_rows,
        summed.positives as slice_positives,
        (
            curve.positives_above * {{ of_churner }}
            - (curve.rows_above - curve.positives_above) * {{ of_stayer }}
        ) / cast(summed.row_count as double) as profit,
    from curve
    inner join summed on summed.slice = curve.slice

),

ranking as (

    select
        slice,
        sum((row_count - positives) * (positives_above - positives / 2e0))
        / cast(nullif(any_value(slice_positives * (slice_rows - slice_positives)), 0) as double) as auroc,
        sum(positives * positives_above / cast(rows_above as double))
        / cast(nullif(any_value(slice_positives), 0) as double) as average_precision,
        greatest(max(profit), 0e0) as maximum_profit,
        case
            when max(profit) > 0 then arg_max(rows_above / cast(slice_rows as double), (profit, -rows_above))
            else 0e0
        end as maximum_profit_share,
    from thresholds
    group by slice

),

-- logistic regression of the outcome on the log-odds, by Newton's method from a slope of 0
fit_0 as (

    select
        slice,
        sum(row_count * log_odds) / cast(sum(row_count) as double) as centre,
        ln(nullif(sum(positives), 0) / cast(nullif(sum(row_count - positives), 0) as double)) as intercept,
        0e0 as slope,
        1e0 as step,
    from ties
    group by slice

),
{% for i in range(1, newton_steps + 1) %}
sums_{{ i }} as (

    select
        slice,
        any_value(centre) as centre,
        any_value(intercept) as intercept,
        any_value(slope) as slope,
        sum(row_count * fitted * (1e0 - fitted)) as h,
        sum(row_count * fitted * (1e0 - fitted) * x) as hx,
        sum(row_count * fitted * (1e0 - fitted) * x * x) as hxx,
        sum(positives - row_count * fitted) as g,
        sum((positives - row_count * fitted) * x) as gx,
    from (
        select
            ties.slice,
            ties.row_count,
            ties.positives,
            ties.log_odds - fit.centre as x,
            1e0 / cast(1e0 + exp(-(fit.intercept + fit.slope * (ties.log_odds - fit.centre))) as double) as fitted,
            fit.centre,
            fit.intercept,
            fit.slope,
        from ties
        inner join fit_{{ i - 1 }} as fit on fit.slice = ties.slice
    )
    group by slice

),

fit_{{ i }} as (

    select
        slice,
        centre,
        intercept + (hxx * g - hx * gx) / cast(determinant as double) as intercept,
        slope + (h * gx - hx * g) / cast(determinant as double) as slope,
        abs((h * gx - hx * g) / cast(determinant as double)) as step,
    from (
        select
            *,
            -- next to nothing where all probabilities are the same: no slope fits better than another
            case when h * hxx - hx * hx > 1e-9 * h * h then h * hxx - hx * hx end as determinant,
        from sums_{{ i }}
    )

),
{% endfor %}
recalibration as (

    select
        slice,
        slope as calibration_slope,
        intercept - slope * centre as calibration_intercept,
    from fit_{{ newton_steps }}
    -- outcomes that a threshold separates have no finite slope
    where step < 1e-9 * greatest(abs(slope), 1e0)

),

wide as (

    select
        summed.*,
        calibration.expected_calibration_error,
        recalibration.calibration_slope,
        recalibration.calibration_intercept,
        ranking.auroc,
        ranking.average_precision,
        ranking.maximum_profit,
        ranking.maximum_profit_share,
    from summed
    inner join calibration on calibration.slice = summed.slice
    inner join ranking on ranking.slice = summed.slice
    left join recalibration on recalibration.slice = summed.slice

),

{{ holdfast._long(
    single, by_decile,
    lift='deciles.observed / cast(nullif(summed.base_rate, 0) as double)',
    gain='sum(deciles.positives) over (partition by deciles.slice order by deciles.decile asc nulls last) / cast(nullif(summed.positives, 0) as double)',
) }}

{{ holdfast._bootstrap('binned') }}

final as (

    select
        slices.model_id,
        slices.task,
        slices.split,
        slices.segment,
        slices.scope as as_of,
        long.metric,
        -- a sum over threads ends differently in its last digits
        round(long.value, 12) as value,
        round(case
            -- a mean of distances: noise raises it in the rows, and in the replicates once more
            when long.metric = 'expected_calibration_error' then greatest(2e0 * long.value - intervals.upper, 0e0)
            else intervals.lower + (long.value - intervals.value)
        end, 12) as lower,
        round(case
            when long.metric = 'expected_calibration_error' then intervals.upper - (intervals.mean - long.value)
            else intervals.upper + (long.value - intervals.value)
        end, 12) as upper,
    from long
    inner join slices on slices.slice = long.slice
    left join intervals
        on intervals.slice = long.slice
        and intervals.metric = long.metric

)

select * from final
{%- endmacro %}


{#- How many of the rows of a date are contacted: a share of them, one at least, or so many. -#}
{% macro _contacts(budget, rows) %}
    {%- if budget < 1 -%}
        {{- return('greatest(round(' ~ holdfast._double(budget) ~ ' * ' ~ rows ~ '), 1)') -}}
    {%- endif -%}
    {{- return(budget | int | string) -}}
{% endmacro %}
