{#-
  The select of how good lists of products are, judged by what was bought: metrics of the first `k` of each list, the mean over
  the customers with a purchase to find, with 95 % intervals.

  `lists` has algorithm, list, as_of, customer_id, product_id and rank (1 is the first), `truth` has list, as_of, customer_id and
  product_id, each once. A customer of the truth to whom an algorithm gave no list counts as a miss, so no algorithm gains by being silent; lists
  of customers who bought nothing are not judged. Gives algorithm, list, as_of (NULL: all dates together), metric, value, lower,
  upper and row_count, the number of customers and dates.

  With t products to find, and the ranks r at which some of them stand in the first k:
  hit_rate   whether there is any
  recall     the number of them, divided by t
  ndcg       sum of 1 / log2(r + 1), divided by what the best list has: the sum of 1 / log2(i + 1) for i from 1 to min(k, t)

  The interval is normal, from the variance between customers; what one customer bought on several dates counts as one draw.
  Values are added up as decimals, so that they are the same in whatever order the rows come.
-#}
{% macro ranking_metrics(lists, truth, k=10) %}
    {%- if k is not integer or k < 1 -%}
        {%- do exceptions.raise_compiler_error('holdfast.ranking_metrics: k must be a whole number, 1 or more; got: ' ~ k) -%}
    {%- endif -%}
    {%- set discount = '1e0 / cast(log2(cast({} + 1 as double)) as double)' -%}
    {%- set ideal = [] -%}
    {%- for rank in range(1, k + 1) -%}
        {%- do ideal.append('case when count(*) >= ' ~ rank ~ ' then ' ~ discount | replace('{}', rank) ~ ' else 0e0 end') -%}
    {%- endfor -%}
with

wanted as (

    select
        list,
        as_of,
        customer_id,
        count(*) as wanted,
        {{ ideal | join(' + ') }} as best,
    from {{ truth }} as truth
    group by list, as_of, customer_id

),

algorithms as (

    select distinct
        algorithm,
        list,
        as_of,
    from {{ lists }} as lists

),

found as (

    select
        lists.algorithm,
        lists.list,
        lists.as_of,
        lists.customer_id,
        count(*) as found,
        sum(cast({{ discount | replace('{}', 'lists.rank') }} as decimal(18, 15))) as gain,
    from {{ lists }} as lists
    inner join {{ truth }} as truth
        on truth.list = lists.list
        and truth.as_of = lists.as_of
        and truth.customer_id = lists.customer_id
        and truth.product_id = lists.product_id
    where lists.rank <= {{ k }}
    group by lists.algorithm, lists.list, lists.as_of, lists.customer_id

),

judged as (

    select
        algorithms.algorithm,
        wanted.list,
        wanted.as_of,
        wanted.customer_id,
        case when found.found > 0 then 1e0 else 0e0 end as hit_rate,
        coalesce(found.found, 0) / cast(wanted.wanted as double) as recall,
        coalesce(cast(found.gain as double), 0e0) / cast(wanted.best as double) as ndcg,
    from wanted
    inner join algorithms
        on algorithms.list = wanted.list
        and algorithms.as_of = wanted.as_of
    left join found
        on found.algorithm = algorithms.algorithm
        and found.list = wanted.list
        and found.as_of = wanted.as_of
        and found.customer_id = wanted.customer_id

),

valued as (

    {% for metric in ['hit_rate', 'recall', 'ndcg'] -%}
    select
        algorithm,
        list,
        as_of,
        customer_id,
        {{ holdfast.text(metric) }} as metric,
        cast({{ metric }} as decimal(18, 12)) as value,
    from judged
    {{ 'union all' if not loop.last }}
    {% endfor %}
),

dated as (

    select *
    from valued

    union all

    select
        algorithm,
        list,
        cast(null as timestamp) as as_of,
        customer_id,
        metric,
        value,
    from valued

),

by_customer as (

    select
        algorithm,
        list,
        as_of,
        metric,
        customer_id,
        sum(value) as value,
        count(*) as row_count,
    from dated
    group by algorithm, list, as_of, metric, customer_id

),

means as (

    select
        algorithm,
        list,
        as_of,
        metric,
        cast(sum(value) as double) / cast(sum(row_count) as double) as mean,
        sum(row_count) as row_count,
        count(*) as customers,
    from by_customer
    group by algorithm, list, as_of, metric

),

-- of a mean over customers who have several rows each: the squares of what each of them adds to the distance from the mean
spread as (

    select
        by_customer.algorithm,
        by_customer.list,
        by_customer.as_of,
        by_customer.metric,
        cast(sum(cast(
            power(cast(by_customer.value as double) - by_customer.row_count * means.mean, 2) as decimal(38, 15)
        )) as double) as squares,
    from by_customer
    inner join means
        on means.algorithm = by_customer.algorithm
        and means.list = by_customer.list
        and means.as_of is not distinct from by_customer.as_of
        and means.metric = by_customer.metric
    group by by_customer.algorithm, by_customer.list, by_customer.as_of, by_customer.metric

),

bounded as (

    select
        means.*,
        case
            when means.customers > 1
                then 1.959963984540054e0 * sqrt(
                    spread.squares * means.customers / cast(means.customers - 1 as double)
                ) / cast(means.row_count as double)
        end as half_width,
    from means
    inner join spread
        on spread.algorithm = means.algorithm
        and spread.list = means.list
        and spread.as_of is not distinct from means.as_of
        and spread.metric = means.metric

)

select
    algorithm,
    list,
    as_of,
    metric || {{ holdfast.text('_at_' ~ k) }} as metric,
    mean as value,
    -- greatest() and least() pass over NULL
    case when half_width is not null then greatest(mean - half_width, 0e0) end as lower,
    case when half_width is not null then least(mean + half_width, 1e0) end as upper,
    cast(row_count as bigint) as row_count,
from bounded
{%- endmacro %}
