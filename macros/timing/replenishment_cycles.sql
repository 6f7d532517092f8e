{#-
  The select of how fast customers use up what they buy again and again, as it was known at some moments: one row per `as_of`,
  customer and replenishable product, with the last purchase, the customer's own rhythm, the product's, and the one to expect.

  `moments`: SQL expressions of type timestamp. Purchases of one day are one. A gap between two purchases is measured as the
  days that one unit lasts, to the power that the shop's own purchases show: 1 where two units last twice as long, 0 where the
  quantity makes no difference. Rhythms are logarithms of days, because customers differ by factors, not by days.

  Empirical Bayes, robust at each step. Centres and spreads of products and categories are medians. A customer's rhythm is then
  found in rounds: each gap is taken for one cycle, for two or three (a purchase elsewhere or a skipped one lies in between), or
  for none (an extra purchase), as likely as it looks from the rhythm of the round before, and the product's rhythm counts like
  some gaps more.
-#}
{% macro replenishment_cycles(moments) %}
    {%- set gaps_at_most = 12 -%}
    {%- set rounds = 3 -%}
    {#- how often a gap is no single cycle: two, three, none #}
    {%- set shares = {'one': '0.79e0', 'two': '0.12e0', 'three': '0.04e0', 'none': '0.05e0'} -%}
with

moments as (

    {% for moment in moments -%}
    select {{ moment }} as as_of
    {%- if not loop.last %}

    union all

    {% endif -%}
    {%- endfor %}

),

-- a product that stands twice in the input is one
catalogue as (

    select
        product_id,
        max(product_name) as product_name,
        max(category) as category,
        max(case when is_replenishable then 1 when not is_replenishable then 0 end) = 1 as is_stated,
    from {{ ref('holdfast', 'stg_holdfast__products') }}
    group by product_id

),

days as (

    select
        moments.as_of,
        orders.customer_id,
        items.product_id,
        cast(orders.ordered_at as date) as day,
        max(orders.ordered_at) as bought_at,
        sum(cast(least(items.quantity, 1e9) as decimal(18, 4))) as quantity,
    from {{ ref('holdfast', 'stg_holdfast__order_items') }} as items
    inner join {{ ref('holdfast', 'stg_holdfast__orders') }} as orders on orders.order_id = items.order_id
    inner join moments on greatest(orders.ordered_at, orders.loaded_at, items.loaded_at) < moments.as_of
    where
        items.quantity > 0
        and items.product_id is not null
        and orders.amount > 0
        and orders.customer_id is not null
    group by moments.as_of, orders.customer_id, items.product_id, cast(orders.ordered_at as date)

),

buyers as (

    select
        as_of,
        customer_id,
        product_id,
        count(*) as purchase_count,
    from days
    group by as_of, customer_id, product_id

),

-- who buys a product twice often buys it a third time where it is used up, and seldom where the second time was by chance
repeats as (

    select
        as_of,
        product_id,
        count(*) as one,
        count(*) filter (where purchase_count >= 2) as two,
        count(*) filter (where purchase_count >= 3) as three,
    from buyers
    group by as_of, product_id

),

replenishables as (

    select
        repeats.as_of,
        repeats.product_id,
        catalogue.product_name,
        catalogue.category,
        catalogue.product_id is not null as is_in_catalogue,
        catalogue.is_stated is not null as is_stated,
    from repeats
    left join catalogue on catalogue.product_id = repeats.product_id
    where
        coalesce(
            catalogue.is_stated,
            repeats.three >= 5 and repeats.three >= 0.05 * repeats.one and repeats.three >= 0.35 * repeats.two
        )

),

followed as (

    select
        days.*,
        replenishables.category,
        lag(days.day) over purchases as previous_day,
        lag(days.bought_at) over purchases as previous_bought_at,
        lag(days.quantity) over purchases as previous_quantity,
        count(*) over (partition by days.as_of, days.customer_id, days.product_id) as purchase_count,
        min(days.bought_at) over (partition by days.as_of, days.customer_id, days.product_id) as first_bought_at,
        row_number() over purchases as purchase_number,
    from days
    inner join replenishables
        on replenishables.as_of = days.as_of
        and replenishables.product_id = days.product_id
    window purchases as (
        partition by days.as_of, days.customer_id, days.product_id
        order by days.day asc nulls last
    )

),

latest as (

    select
        as_of,
        customer_id,
        product_id,
        category,
        purchase_count,
        bought_at as last_bought_at,
        cast(quantity as double) as last_quantity,
        first_bought_at,
        previous_bought_at,
        cast(previous_quantity as double) as previous_quantity,
        {{ holdfast.days_between('previous_day', 'day') }} as last_gap_days,
    from followed
    where purchase_number = purchase_count

),

-- logarithms as decimals: sums of them are the same in whatever order the rows come
gaps as (

    select
        as_of,
        customer_id,
        product_id,
        category,
        {{ holdfast.days_between('previous_day', 'day') }} as gap_days,
        cast(ln(cast({{ holdfast.days_between('previous_day', 'day') }} as double)) as decimal(18, 9)) as log_days,
        cast(ln(cast(previous_quantity as double)) as decimal(18, 9)) as log_quantity,
    from followed
    where
        previous_day is not null
        and purchase_number > purchase_count - {{ gaps_at_most }}

),

deviations as (

    select
        as_of,
        category,
        log_quantity - avg(log_quantity) over customers as quantity_deviation,
        log_days - avg(log_days) over customers as days_deviation,
    from gaps
    window customers as (partition by as_of, customer_id, product_id)

),

covariances as (

    select
        as_of,
        category,
        sum(cast(quantity_deviation * days_deviation as decimal(18, 9))) as of_both,
        sum(cast(quantity_deviation * quantity_deviation as decimal(18, 9))) as of_quantity,
    from deviations
    group by as_of, category

),

-- half, until the purchases say otherwise
shop_slopes as (

    select
        as_of,
        (2.5e0 + cast(sum(of_both) as double)) / cast(5e0 + cast(sum(of_quantity) as double) as double) as slope,
    from covariances
    group by as_of

),

slopes as (

    select
        covariances.as_of,
        covariances.category,
        least(1e0, greatest(0e0, (
            (5e0 * shop_slopes.slope + cast(covariances.of_both as double))
            / cast(5e0 + cast(covariances.of_quantity as double) as double)
        ))) as slope,
    from covariances
    inner join shop_slopes on shop_slopes.as_of = covariances.as_of

),

rates as (

    select
        gaps.as_of,
        gaps.customer_id,
        gaps.product_id,
        gaps.category,
        gaps.gap_days,
        cast(gaps.log_days as double) - slopes.slope * cast(gaps.log_quantity as double) as rate,
    from gaps
    inner join slopes
        on slopes.as_of = gaps.as_of
        and slopes.category is not distinct from gaps.category

),

pairs as (

    select
        as_of,
        customer_id,
        product_id,
        category,
        median(rate) as rate,
        count(*) as gap_count,
    from rates
    group by as_of, customer_id, product_id, category

),

product_rates as (

    select
        as_of,
        product_id,
        category,
        median(rate) as rate,
        count(*) as gap_count,
        cast(sum(gap_days) as double) / cast(count(*) as double) as mean_gap_days,
    from rates
    group by as_of, product_id, category

),

category_rates as (

    select
        as_of,
        category,
        median(rate) as rate,
        count(*) as gap_count,
    from rates
    group by as_of, category

),

shop_rates as (

    select
        as_of,
        median(rate) as rate,
    from rates
    group by as_of

),

-- standard deviations, from medians of absolute deviations
noise as (

    select
        rates.as_of,
        least(1e0, greatest(0.1e0, 1.4826e0 * median(abs(rates.rate - pairs.rate)))) as sigma,
    from rates
    inner join pairs
        on pairs.as_of = rates.as_of
        and pairs.customer_id = rates.customer_id
        and pairs.product_id = rates.product_id
    where pairs.gap_count >= 3
    group by rates.as_of

),

customer_spreads as (

    select
        pairs.as_of,
        1.4826e0 * median(abs(pairs.rate - product_rates.rate)) as tau,
    from pairs
    inner join product_rates
        on product_rates.as_of = pairs.as_of
        and product_rates.product_id = pairs.product_id
    where pairs.gap_count >= 3
    group by pairs.as_of

),

product_spreads as (

    select
        product_rates.as_of,
        1.4826e0 * median(abs(product_rates.rate - category_rates.rate)) as omega,
    from product_rates
    inner join category_rates
        on category_rates.as_of = product_rates.as_of
        and category_rates.category is not distinct from product_rates.category
    where product_rates.gap_count >= 10
    group by product_rates.as_of

),

spreads as (

    select
        moments.as_of,
        shop_rates.rate as shop_rate,
        coalesce(noise.sigma, 0.5e0) as sigma,
        -- a customer's median of a few gaps has noise of its own
        greatest(
            0.01e0, coalesce(customer_spreads.tau * customer_spreads.tau - noise.sigma * noise.sigma / 4e0, 0.1e0)
        ) as customer_variance,
        greatest(0.01e0, coalesce(product_spreads.omega * product_spreads.omega, 0.25e0)) as product_variance,
    from moments
    left join shop_rates on shop_rates.as_of = moments.as_of
    left join noise on noise.as_of = moments.as_of
    left join customer_spreads on customer_spreads.as_of = moments.as_of
    left join product_spreads on product_spreads.as_of = moments.as_of

),

-- how many gaps the rhythm of the category counts for in that of a product, and that one in a customer's
weights as (

    select
        *,
        sigma * sigma / cast(customer_variance as double) as product_weight,
        (sigma * sigma + customer_variance) / cast(product_variance as double) as category_weight,
    from spreads

),

priors as (

    select
        replenishables.as_of,
        replenishables.product_id,
        replenishables.product_name,
        replenishables.category,
        replenishables.is_in_catalogue,
        replenishables.is_stated,
        product_rates.mean_gap_days,
        weights.sigma,
        weights.product_weight,
        coalesce(slopes.slope, 0.5e0) as slope,
        (
            coalesce(product_rates.gap_count, 0) * coalesce(product_rates.rate, 0)
            + weights.category_weight * (
                (
                    coalesce(category_rates.gap_count, 0) * coalesce(category_rates.rate, 0) + 20 * weights.shop_rate
                ) / cast(coalesce(category_rates.gap_count, 0) + 20 as double)
            )
        ) / cast(coalesce(product_rates.gap_count, 0) + weights.category_weight as double) as rate,
        case
            when product_rates.gap_count >= weights.category_weight then 'product'
            when category_rates.category is not null and category_rates.gap_count >= 20 then 'category'
            else 'shop'
        end as level,
    from replenishables
    inner join weights on weights.as_of = replenishables.as_of
    left join product_rates
        on product_rates.as_of = replenishables.as_of
        and product_rates.product_id = replenishables.product_id
    left join category_rates
        on category_rates.as_of = replenishables.as_of
        and category_rates.category is not distinct from replenishables.category
    left join slopes
        on slopes.as_of = replenishables.as_of
        and slopes.category is not distinct from replenishables.category

),

round_0 as (

    select
        pairs.as_of,
        pairs.customer_id,
        pairs.product_id,
        (pairs.gap_count * pairs.rate + priors.product_weight * priors.rate)
        / cast(pairs.gap_count + priors.product_weight as double) as rate,
    from pairs
    inner join priors
        on priors.as_of = pairs.as_of
        and priors.product_id = pairs.product_id

),

{% for round in range(1, rounds + 1) -%}
likelihoods_{{ round }} as (

    select
        rates.as_of,
        rates.customer_id,
        rates.product_id,
        rates.rate,
        {{ shares.one }} * exp(-0.5e0 * pow((rates.rate - former.rate) / cast(weights.sigma as double), 2)) as one,
        {{ shares.two }}
        * exp(-0.5e0 * pow((rates.rate - ln(2e0) - former.rate) / cast(weights.sigma as double), 2)) as two,
        {{ shares.three }}
        * exp(-0.5e0 * pow((rates.rate - ln(3e0) - former.rate) / cast(weights.sigma as double), 2)) as three,
        -- anywhere within a factor of 20, of the same unit as the normal densities beside it
        {{ shares.none }} * weights.sigma * 2.5066e0 / 3e0 as none,
    from rates
    inner join round_{{ round - 1 }} as former
        on former.as_of = rates.as_of
        and former.customer_id = rates.customer_id
        and former.product_id = rates.product_id
    inner join weights on weights.as_of = rates.as_of

),

sums_{{ round }} as (

    select
        as_of,
        customer_id,
        product_id,
        cast(sum(cast(
            (one * rate + two * (rate - ln(2e0)) + three * (rate - ln(3e0))) / cast(one + two + three + none as double)
            as decimal(18, 9)
        )) as double) as rate_sum,
        cast(sum(cast(
            (one + two + three) / cast(one + two + three + none as double) as decimal(18, 9)
        )) as double) as weight,
    from likelihoods_{{ round }}
    group by as_of, customer_id, product_id

),

round_{{ round }} as (

    select
        sums.as_of,
        sums.customer_id,
        sums.product_id,
        (sums.rate_sum + priors.product_weight * priors.rate)
        / cast(sums.weight + priors.product_weight as double) as rate,
        -- gaps that look like no cycle at all tell no rhythm
        case when sums.weight >= 0.5e0 then sums.rate_sum / cast(sums.weight as double) end as own_rate,
        sums.weight,
    from sums_{{ round }} as sums
    inner join priors
        on priors.as_of = sums.as_of
        and priors.product_id = sums.product_id

),

{% endfor -%}
cycles as (

    select
        latest.as_of,
        latest.customer_id,
        latest.product_id,
        priors.product_name,
        priors.category,
        priors.is_in_catalogue,
        priors.is_stated,
        latest.purchase_count,
        latest.first_bought_at,
        latest.last_bought_at,
        latest.last_quantity,
        latest.previous_bought_at,
        latest.last_gap_days,
        priors.mean_gap_days,
        {%- for name, rate, quantity in [
            ('own_cycle_days', 'estimates.own_rate', 'last_quantity'),
            ('product_cycle_days', 'priors.rate', 'last_quantity'),
            ('cycle_days', 'coalesce(estimates.rate, priors.rate)', 'last_quantity'),
            ('previous_cycle_days', 'coalesce(estimates.rate, priors.rate)', 'previous_quantity'),
        ] %}
        case
            -- least() and greatest() pass over NULL
            when {{ rate }} + latest.{{ quantity }} is not null
                then least(3650e0, greatest(1e0, exp(least(10e0, {{ rate }} + priors.slope * ln(latest.{{ quantity }})))))
        end as {{ name }},
        {%- endfor %}
        least(latest.purchase_count - 1, {{ gaps_at_most }}) as evidence_count,
        case
            when coalesce(estimates.rate, priors.rate) is null then null
            when coalesce(estimates.weight, 0) >= priors.product_weight then 'own'
            else priors.level
        end as level,
    from latest
    inner join priors
        on priors.as_of = latest.as_of
        and priors.product_id = latest.product_id
    left join round_{{ rounds }} as estimates
        on estimates.as_of = latest.as_of
        and estimates.customer_id = latest.customer_id
        and estimates.product_id = latest.product_id

)

select * from cycles
{%- endmacro %}
