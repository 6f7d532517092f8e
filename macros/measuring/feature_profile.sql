{#-
  The select of how often each feature's value falls into each tenth of its values: task, model_id, feature, bin (0 for
  missing), upper_edge (NULL for the last), row_count and mean. Features with few values have fewer bins. `rows` is SQL;
  `present` the relation whose columns it has: features that are gone are left out. Of more than 100,000 rows a sample
  by a hash of the key is described.
-#}
{% macro feature_profile(rows, features, present, task, model_id, entity=['customer_id']) %}
    {%- set found = holdfast._column_types(present) -%}
    {%- set columns = [] -%}
    {%- for feature in features if feature | lower in found -%}
        {%- do columns.append(holdfast.quoted(feature)) -%}
    {%- endfor %}
with

sampled as (

    select {{ columns | join(', ') }}
    from {{ rows }} as described
    where {{ holdfast._in_sample(
        holdfast._key_text(holdfast._quoted(entity)) ~ " || ' at ' || as_of", '(select count(*) from ' ~ rows ~ ' as counted)'
    ) }}

),

long as (

    {{ holdfast.unpivoted('sampled', columns) }}

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
        long.value,
        cuts.cuts,
        cuts.largest,
        {{ holdfast._bin_of('long.value', 'cuts.cuts') }} as bin,
    from long
    left join cuts on cuts.feature = long.feature

)

select
    {{ holdfast.text(task) }} as task,
    {{ holdfast.text(model_id) }} as model_id,
    feature,
    bin,
    cast(case when bin > 0 then {{ holdfast.list_item('any_value(cuts)', 'bin') }} end as double) as upper_edge,
    count(*) as row_count,
    {{ holdfast.exact_mean('value', 'largest') }} as mean,
from placed
group by feature, bin
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
