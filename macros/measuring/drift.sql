{#-
  The select of how far the customers that a task scores now differ from those that its champion learned from, by feature:
  rows of feature_drift.

  The index compares distributions, so whatever grows with history or calendar drifts by it. How much of it is expected is
  known from the training dates: `_expected` gives the range that their trend and their scatter leave for today. What of the
  index lies within that range, and what chance alone makes of so few rows, is taken off: the rest is `unexpected_psi`. So is
  what one training date shows against all of them, where that is more.
-#}
{% macro drift(task) %}
    {%- set declared = holdfast.task(task) -%}
    {%- set scoring_as_of = holdfast.scoring_as_of() -%}
    {%- set profiles = ref('holdfast', 'holdfast__feature_profiles') -%}
    {%- set registry = holdfast.task_step(declared, 'model') -%}
    {%- set features = holdfast.task_features(declared) -%}
    {%- set keys = holdfast._quoted(declared.entity) -%}
    {%- set champion = holdfast.champion(registry) -%}
    {%- set present = holdfast._column_types(features) if execute and holdfast.exists(features) else {} -%}
    {%- set personal = holdfast.personal_features() -%}
    {%- set columns = [] -%}
    {%- for feature in champion.feature_names if champion and feature | lower in present and not feature.startswith('calendar_')
        and feature | lower not in personal -%}
        {%- do columns.append(holdfast.quoted(feature)) -%}
    {%- endfor -%}
{%- if columns -%}
with

latest as (

    select {{ columns | join(', ') }}
    from {{ features }} as features
    where
        as_of = {{ scoring_as_of }}
        and {{ holdfast.has_enough_history('features', declared) }}
        {%- if declared.eligible %}
        and {{ holdfast.is_eligible(declared) }}
        {%- endif %}
        and {{ holdfast._in_sample(
            holdfast._key_text(keys), '(select count(*) from ' ~ features ~ ' where as_of = ' ~ scoring_as_of ~ ')'
        ) }}

),

long as (

    {{ holdfast.unpivoted('latest', columns) }}

),

profile as (

    select *
    from {{ profiles }}
    where model_id = {{ holdfast.text(champion.model_id) }}

),

cuts as (

    select
        feature,
        list(upper_edge order by bin asc nulls last) filter (where upper_edge is not null) as cuts,
    from profile
    group by feature

),

largest as (

    select
        feature,
        max(abs(cast(value as double))) as largest,
    from long
    where {{ holdfast.is_finite('value') }}
    group by feature

),

placed as (

    select
        long.feature,
        long.value,
        largest.largest,
        {{ holdfast._bin_of('long.value', 'cuts.cuts') }} as bin,
    from long
    inner join cuts on cuts.feature = long.feature
    left join largest on largest.feature = long.feature

),

counted as (

    select
        feature,
        bin,
        count(*) as row_count,
        {{ holdfast.exact_mean('value', 'largest') }} as mean,
    from placed
    group by feature, bin

),

compared as (

    select
        coalesce(profile.feature, counted.feature) as feature,
        coalesce(profile.bin, counted.bin) as bin,
        coalesce(profile.row_count, 0) as reference_count,
        coalesce(counted.row_count, 0) as current_count,
        profile.mean as reference_mean,
        counted.mean as current_mean,
    from profile
    full outer join counted
        on counted.feature = profile.feature
        and counted.bin = profile.bin

),

-- half a row is added to each bin, so that an empty one does not make the index infinite
shares as (

    select
        *,
        (reference_count + 0.5e0)
        / cast(sum(reference_count) over same + 0.5e0 * count(*) over same as double) as reference_share,
        (current_count + 0.5e0)
        / cast(sum(current_count) over same + 0.5e0 * count(*) over same as double) as current_share,
    from compared
    window same as (partition by feature)

),

ranked as (

    select
        *,
        {{ holdfast._rank_of_bin('reference_count') }} as bin_rank,
        sum(case when bin = 0 then reference_share else 0 end) over (partition by feature) as reference_missing_share,
        sum(case when bin = 0 then current_share else 0 end) over (partition by feature) as current_missing_share,
    from shares

),

summed as (

    select
        feature,
        count(*) as bins,
        cast(sum(reference_count) as bigint) as reference_row_count,
        cast(sum(current_count) as bigint) as row_count,
        {{ holdfast._sum_of_bins('(current_share - reference_share) * ln(current_share / cast(reference_share as double))') }} as psi,
        -- the part of the index that is about values, not about how many are missing
        {{ holdfast._sum_of_bins(
            '(current_share - reference_share) * ln(current_share / cast(reference_share as double))'
            ~ ' - (current_share - reference_share) * ln((1 - current_missing_share) / cast(1 - reference_missing_share as double))',
            first=1,
        ) }} as psi_of_values,
        {{ holdfast._sum_of_bins('current_count * bin_rank', first=1) }}
        / cast(nullif(sum(current_count) filter (where bin > 0), 0) as double) - 0.5e0 as position_change,
        coalesce(sum(reference_count) filter (where bin = 0), 0)
        / cast(nullif(cast(sum(reference_count) as double), 0) as double) as reference_missing_rate,
        coalesce(sum(current_count) filter (where bin = 0), 0)
        / cast(nullif(cast(sum(current_count) as double), 0) as double) as missing_rate,
        {{ holdfast._sum_of_bins('reference_mean * reference_count') }}
        / cast(nullif(sum(reference_count) filter (where bin > 0), 0) as double) as reference_mean,
        {{ holdfast._sum_of_bins('current_mean * current_count') }}
        / cast(nullif(sum(current_count) filter (where bin > 0), 0) as double) as mean,
    from ranked
    group by feature

),

trends as (

    select
        feature,
        max(trend_dates) as trend_dates,
        {{ holdfast.days_between("timestamp '2000-01-01'", scoring_as_of) }} - max(trend_day) as trend_gap,
        max(trend_spread) as trend_spread,
        max(position_slope) as position_slope,
        max(position_scatter) as position_scatter,
        max(missing_rate_slope) as missing_rate_slope,
        max(missing_rate_scatter) as missing_rate_scatter,
        max(date_psi) as date_psi,
    from profile
    group by feature

),

expected as (

    select
        summed.*,
        summed.missing_rate - summed.reference_missing_rate as missing_rate_change,
        {{- holdfast._expected('position', '0.3e0 * power(cast(greatest(summed.row_count, 1) as double), -0.5e0)') }}
        {{- holdfast._expected(
            'missing_rate', '0.5e0 * power(cast(greatest(summed.row_count, 1) as double), -0.5e0)'
        ) }}
        -- what so few rows differ by without any reason
        (summed.bins - 1) * (
            1 / cast(greatest(summed.row_count, 1) as double) + 1 / cast(greatest(summed.reference_row_count, 1) as double)
        ) as psi_by_chance,
        coalesce(trends.trend_dates, 0) as trend_dates,
        coalesce(trends.date_psi, 0) as date_psi,
        least(
            abs(trends.trend_gap * coalesce(trends.position_slope, 0)) + 2 * coalesce(trends.position_scatter, 0), 0.5e0
        ) as position_reach,
    from summed
    left join trends on trends.feature = summed.feature

),

-- how much of each change lies within its range, as a share
placed_in_range as (

    select
        *,
        missing_rate_change - greatest(least(missing_rate_change, missing_rate_highest), missing_rate_lowest) as unexpected_missing_rate_change,
        coalesce(
            greatest(least(position_change, position_highest), position_lowest) / cast(nullif(position_change, 0) as double), 0
        ) as position_within,
        coalesce(
            greatest(least(missing_rate_change, missing_rate_highest), missing_rate_lowest) / cast(nullif(missing_rate_change, 0) as double), 0
        ) as missing_rate_within,
    from expected

),

explained as (

    select
        *,
        greatest(
            -- a normal distribution whose mean rank moves by r has an index of about 12.6 r² / (1 - (2 r)⁴). So a trend
            -- explains moves of its own size, with some room for other shapes, and no more; one of 0.5 leaves no row in place
            psi_of_values - least(
                psi_of_values * power(position_within, 2),
                coalesce(
                    16 * power(position_reach, 2) / cast(nullif(1 - power(2 * position_reach, 4), 0) as double), psi_of_values
                )
            )
            + (psi - psi_of_values) * (1 - power(missing_rate_within, 2))
            - psi_by_chance,
            0
        ) as psi_beyond_trend,
        -- nor is a change unexpected that one training date shows against the others
        case when trend_dates > 1 then greatest(psi - date_psi - psi_by_chance, 0) else psi end as psi_beyond_dates,
    from placed_in_range

),

judged as (

    select
        *,
        -- without a row there is nothing to be compared
        case when row_count > 0 then least(psi_beyond_trend, psi_beyond_dates) end as unexpected_psi,
    from explained

),

importances as (

    select
        {{ holdfast.list_rows('feature_names') }} as feature,
        metrics,
    from {{ registry }}
    where model_id = {{ holdfast.text(champion.model_id) }}

),

final as (

    select
        {{ holdfast.text(task) }} as task,
        {{ holdfast.text(champion.model_id) }} as model_id,
        judged.feature,
        cast({{ scoring_as_of }} as timestamp) as as_of,
        -- a name may hold what would mean something in a path
        cast(json_extract(importances.metrics, '$.importance') as map(varchar, double))[judged.feature] as importance,
        judged.psi,
        judged.unexpected_psi,
        case
            when judged.unexpected_psi >= 0.25e0 then 'large'
            when judged.unexpected_psi >= 0.1e0 then 'moderate'
            else 'small'
        end as drift,
        judged.reference_missing_rate,
        judged.missing_rate,
        judged.missing_rate_change,
        judged.unexpected_missing_rate_change,
        judged.reference_mean,
        judged.mean,
        judged.reference_row_count,
        judged.row_count,
    from judged
    left join importances on importances.feature = judged.feature

)

select * from final
{%- else -%}
-- no champion yet: nothing to compare with
select
    {{ holdfast.text(task) }} as task,
    cast(null as varchar) as model_id,
    cast(null as varchar) as feature,
    cast(null as timestamp) as as_of,
    cast(null as double) as importance,
    cast(null as double) as psi,
    cast(null as double) as unexpected_psi,
    cast(null as varchar) as drift,
    cast(null as double) as reference_missing_rate,
    cast(null as double) as missing_rate,
    cast(null as double) as missing_rate_change,
    cast(null as double) as unexpected_missing_rate_change,
    cast(null as double) as reference_mean,
    cast(null as double) as mean,
    cast(null as bigint) as reference_row_count,
    cast(null as bigint) as row_count,
where false
{%- endif %}
{%- endmacro %}


{#- A SQL expression: an aggregate that adds a number of each bin, 0 for missing and 1 to 10, always in this order. -#}
{% macro _sum_of_bins(value, bin='bin', first=0) %}
    {%- set terms = [] -%}
    {%- for i in range(first, 11) -%}
        {%- do terms.append('coalesce(max(' ~ value ~ ') filter (where ' ~ bin ~ ' = ' ~ i ~ '), 0)') -%}
    {%- endfor -%}
    {{- return('(' ~ terms | join(' + ') ~ ')') -}}
{% endmacro %}


{#-
  Two SQL columns, `<measure>_lowest` and `<measure>_highest`: the range of changes since training that the trend over the
  training dates and their scatter leave for the latest date, and chance with `noise`, the standard error of the measure.
  Three standard errors of the prediction of a straight line.
-#}
{% macro _expected(measure, noise) %}
    {%- set step = 'trend_gap * coalesce(' ~ measure ~ '_slope, 0)' -%}
    {%- set error -%}
3e0 * sqrt(
            power(coalesce({{ measure }}_scatter, 0), 2) * (
                1 + 1 / cast(greatest(coalesce(trend_dates, 1), 1) as double)
                + coalesce(power(trend_gap, 2) / cast(nullif(trend_spread, 0) as double), 0)
            )
            + power({{ noise }}, 2)
        )
    {%- endset %}
        least({{ step }}, 0) - {{ error | trim }} as {{ measure }}_lowest,
        greatest({{ step }}, 0) + {{ error | trim }} as {{ measure }}_highest,
{%- endmacro %}
