{#-
  The select of how far the customers that a task scores now differ from those that its champion learned from, by feature:
  rows of feature_drift.
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
        and {{ holdfast.has_enough_history('features') }}
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

summed as (

    select
        feature,
        cast(sum(reference_count) as bigint) as reference_row_count,
        cast(sum(current_count) as bigint) as row_count,
        {{ holdfast._sum_of_bins('(current_share - reference_share) * ln(current_share / cast(reference_share as double))') }} as psi,
        coalesce(sum(reference_count) filter (where bin = 0), 0)
        / cast(nullif(cast(sum(reference_count) as double), 0) as double) as reference_missing_rate,
        coalesce(sum(current_count) filter (where bin = 0), 0)
        / cast(nullif(cast(sum(current_count) as double), 0) as double) as missing_rate,
        {{ holdfast._sum_of_bins('reference_mean * reference_count') }}
        / cast(nullif(sum(reference_count) filter (where bin > 0), 0) as double) as reference_mean,
        {{ holdfast._sum_of_bins('current_mean * current_count') }}
        / cast(nullif(sum(current_count) filter (where bin > 0), 0) as double) as mean,
    from shares
    group by feature

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
        summed.feature,
        cast({{ scoring_as_of }} as timestamp) as as_of,
        -- a name may hold what would mean something in a path
        cast(json_extract(importances.metrics, '$.importance') as map(varchar, double))[summed.feature] as importance,
        summed.psi,
        case
            when summed.psi >= 0.25e0 then 'large'
            when summed.psi >= 0.1e0 then 'moderate'
            else 'small'
        end as drift,
        summed.reference_missing_rate,
        summed.missing_rate,
        summed.missing_rate - summed.reference_missing_rate as missing_rate_change,
        summed.reference_mean,
        summed.mean,
        summed.reference_row_count,
        summed.row_count,
    from summed
    left join importances on importances.feature = summed.feature

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
    cast(null as varchar) as drift,
    cast(null as double) as reference_missing_rate,
    cast(null as double) as missing_rate,
    cast(null as double) as missing_rate_change,
    cast(null as double) as reference_mean,
    cast(null as double) as mean,
    cast(null as bigint) as reference_row_count,
    cast(null as bigint) as row_count,
where false
{%- endif %}
{%- endmacro %}


{#- A SQL expression: an aggregate that adds a number of each bin, 0 for missing and 1 to 10, always in this order. -#}
{% macro _sum_of_bins(value) %}
    {%- set terms = [] -%}
    {%- for bin in range(11) -%}
        {%- do terms.append('coalesce(max(' ~ value ~ ') filter (where bin = ' ~ bin ~ '), 0)') -%}
    {%- endfor -%}
    {{- return('(' ~ terms | join(' + ') ~ ')') -}}
{% endmacro %}
