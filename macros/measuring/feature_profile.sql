{#-
  The select of how often each feature's value falls into each tenth of its values: task, model_id, feature, bin (0 for
  missing), upper_edge (NULL for the last), row_count and mean. Features with few values have fewer bins. `rows` is SQL;
  `present` the relation whose columns it has: features that are gone are left out. Of more than 100,000 rows a sample
  by a hash of the key is described.

  Each row also has the trend of its feature over the dates of the rows: a straight line through the dates' values, and how
  far they lie from it, of the position (the mean rank among all rows, 0 to 1) and of the share of missing values. What grows
  with history or calendar, such as the days since the first order, moves along that line. `date_psi` is how much a single
  date differs from all of them at most, as the days since the last campaign do from one date to the next.
-#}
{% macro feature_profile(rows, features, present, task, model_id, entity=['customer_id']) %}
    {%- set found = holdfast._column_types(present) -%}
    {%- set columns = [] -%}
    {%- for feature in features if feature | lower in found -%}
        {%- do columns.append(holdfast.quoted(feature)) -%}
    {%- endfor %}
with

sampled as (

    select
        as_of,
        {{ columns | join(', ') }}
    from {{ rows }} as described
    where {{ holdfast._in_sample(
        holdfast._key_text(holdfast._quoted(entity)) ~ " || ' at ' || as_of", '(select count(*) from ' ~ rows ~ ' as counted)'
    ) }}

),

long as (

    {{ holdfast.unpivoted('sampled', columns, keys=['as_of']) }}

),

cuts as (

    select
        feature,
        {{ holdfast.sorted_distinct('quantile_disc(value, [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9])') }} as cuts,
        max(case when {{ holdfast.is_finite('value') }} then abs(cast(value as double)) end) as largest,
    from long
    where value is not null
    group by feature

),

placed as (

    select
        long.feature,
        long.as_of,
        long.value,
        cuts.cuts,
        cuts.largest,
        {{ holdfast._bin_of('long.value', 'cuts.cuts') }} as bin,
    from long
    left join cuts on cuts.feature = long.feature

),

by_date as (

    select
        feature,
        as_of,
        bin,
        count(*) as row_count,
    from placed
    group by feature, as_of, bin

),

binned as (

    select
        feature,
        bin,
        cast(case when bin > 0 then {{ holdfast.list_item('any_value(cuts)', 'bin') }} end as double) as upper_edge,
        count(*) as row_count,
        {{ holdfast.exact_mean('value', 'largest') }} as mean,
    from placed
    group by feature, bin

),

ranked as (

    select
        feature,
        bin,
        {{ holdfast._rank_of_bin('row_count') }} as bin_rank,
    from binned

),

dated as (

    select
        by_date.feature,
        cast({{ holdfast.days_between("timestamp '2000-01-01'", 'by_date.as_of') }} as double) as day,
        {{ holdfast._sum_of_bins('by_date.row_count * ranked.bin_rank', 'by_date.bin', first=1) }}
        / cast(nullif(sum(by_date.row_count) filter (where by_date.bin > 0), 0) as double) as position,
        coalesce(sum(by_date.row_count) filter (where by_date.bin = 0), 0)
        / cast(nullif(sum(by_date.row_count), 0) as double) as missing_rate,
    from by_date
    inner join ranked
        on ranked.feature = by_date.feature
        and ranked.bin = by_date.bin
    group by by_date.feature, by_date.as_of

),

-- each date against all of them, as drift compares the latest with all; half a row is added to each bin there, too
date_shares as (

    select
        dates.as_of,
        binned.feature,
        binned.bin,
        (coalesce(by_date.row_count, 0) + 0.5e0)
        / cast(sum(coalesce(by_date.row_count, 0) + 0.5e0) over (partition by dates.as_of, binned.feature) as double) as date_share,
        (binned.row_count + 0.5e0) / cast(sum(binned.row_count + 0.5e0) over (partition by dates.as_of, binned.feature) as double) as share,
    from binned
    cross join (select distinct as_of from by_date) as dates
    left join by_date
        on by_date.feature = binned.feature
        and by_date.bin = binned.bin
        and by_date.as_of = dates.as_of

),

date_indexes as (

    select
        feature,
        as_of,
        {{ holdfast._sum_of_bins('(date_share - share) * ln(date_share / cast(share as double))') }} as psi,
    from date_shares
    group by feature, as_of

),

greatest_indexes as (

    select
        feature,
        max(psi) as date_psi,
    from date_indexes
    group by feature

),

-- whole days and whole trillionths add up to the same in every order of the dates, which a sum of doubles does not
counted as (

    select
        feature,
        count(*) as trend_dates,
        sum(day) as days,
        sum(day * day) as squared_days,
        {%- for measure in ['position', 'missing_rate'] %}
        count({{ measure }}) as {{ measure }}_n,
        sum(case when {{ measure }} is not null then day end) as {{ measure }}_x,
        sum(case when {{ measure }} is not null then day * day end) as {{ measure }}_xx,
        sum({{ measure }}) as {{ measure }}_y,
        sum({{ measure }} * day) as {{ measure }}_xy,
        sum({{ measure }} * {{ measure }}) as {{ measure }}_yy,
        {%- endfor %}
    from (
        select
            feature,
            cast(day as decimal(38, 0)) as day,
            cast(round(position * 1e12) as decimal(38, 0)) as position,
            cast(round(missing_rate * 1e12) as decimal(38, 0)) as missing_rate,
        from dated
    ) as whole
    group by feature

),

-- sums of squares and products around the mean, times the number of dates
centred as (

    select
        feature,
        trend_dates,
        cast(days as double) / cast(trend_dates as double) as trend_day,
        cast(trend_dates * squared_days - days * days as double) / cast(trend_dates as double) as trend_spread,
        {%- for measure in ['position', 'missing_rate'] %}
        {%- set n, x, y = measure ~ '_n', measure ~ '_x', measure ~ '_y' %}
        cast({{ n }} as double) as {{ n }},
        cast({{ n }} * {{ x }}x - {{ x }} * {{ x }} as double) as {{ measure }}_sxx,
        cast({{ n }} * {{ measure }}_xy - {{ x }} * {{ y }} as double) / 1e12 as {{ measure }}_sxy,
        cast({{ n }} * {{ y }}y - {{ y }} * {{ y }} as double) / 1e24 as {{ measure }}_syy,
        {%- endfor %}
    from counted

),

trends as (

    select
        feature,
        trend_dates,
        trend_day,
        trend_spread,
        {%- for measure in ['position', 'missing_rate'] %}
        {%- set slope = 'coalesce(' ~ measure ~ '_sxy / cast(nullif(' ~ measure ~ '_sxx, 0) as double), 0)' %}
        {{ slope }} as {{ measure }}_slope,
        -- how far the dates lie from the line: with two there is always one through both
        sqrt(
            greatest({{ measure }}_syy - {{ slope }} * {{ measure }}_sxy, 0) / cast(nullif({{ measure }}_n, 0) as double)
            / cast(nullif(greatest({{ measure }}_n - 2, 0), 0) as double)
        ) as {{ measure }}_scatter,
        {%- endfor %}
    from centred

)

select
    {{ holdfast.text(task) }} as task,
    {{ holdfast.text(model_id) }} as model_id,
    binned.feature,
    binned.bin,
    binned.upper_edge,
    binned.row_count,
    binned.mean,
    trends.trend_dates,
    trends.trend_day,
    trends.trend_spread,
    trends.position_slope,
    trends.position_scatter,
    trends.missing_rate_slope,
    trends.missing_rate_scatter,
    greatest_indexes.date_psi,
from binned
left join trends on trends.feature = binned.feature
left join greatest_indexes on greatest_indexes.feature = binned.feature
{%- endmacro %}


{#- A SQL expression: 0 for a missing value, else 1 more than the number of edges that lie below it. -#}
{% macro _bin_of(value, cuts) %}
    {%- set terms = [] -%}
    {%- for i in range(1, 10) -%}
        {%- do terms.append('coalesce(cast(' ~ value ~ ' > ' ~ holdfast.list_item(cuts, i) ~ ' as integer), 0)') -%}
    {%- endfor -%}
    {{- return('case when ' ~ value ~ ' is null then 0 else 1 + ' ~ terms | join(' + ') ~ ' end') -}}
{% endmacro %}


{#- A SQL condition that holds for about 100,000 of so many rows, by a hash of their key: the same ones in every build. -#}
{% macro _in_sample(key, row_count) %}
    {{- return(
        holdfast.stable_number(key) ~ ' % 1000000 < 1000000 * least(100000e0 / cast(greatest(' ~ row_count ~ ', 1) as double), 1e0)'
    ) -}}
{% endmacro %}


{#- A SQL expression: the mean rank of a bin's rows among all rows of its feature that have a value, 0 to 1. -#}
{% macro _rank_of_bin(row_count) %}
    {%- set filled = 'case when bin > 0 then ' ~ row_count ~ ' else 0 end' -%}
    {{- return(
        '(sum(' ~ filled ~ ') over (partition by feature order by bin asc nulls last rows between unbounded preceding and current row) - '
        ~ '0.5e0 * (' ~ filled ~ ')) / cast(nullif(sum(' ~ filled ~ ') over (partition by feature), 0) as double)'
    ) -}}
{% endmacro %}
