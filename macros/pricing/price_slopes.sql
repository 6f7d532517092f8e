{#-
  A query: how sales answer to the own price, per product, its category and all, as percent of sales per percent of price.

  `panel` is the name of a CTE with one row per unit and week: category, product_id, unit (what has a level of its own, such as a
  product in a store), time_key (what has the same ups and downs, such as a category in a week), week (a whole number), sales,
  log_price, and the `controls`, columns whose effect is kept apart from the price's. With `is_logarithm` sales are logarithms and
  fitted by least squares; else they are counts, zeros included, and fitted by Poisson pseudo-maximum likelihood. Either way every
  unit and every time_key has an effect of its own, and a category has one slope; a product's own slope is one Newton step from it.

  Standard errors allow for errors that are correlated over 13 weeks (Newey and West, critical values of Kiefer and Vogelsang) or
  within products for ever, whichever says less; slopes are shrunk, product to category to all, by empirical Bayes.
-#}
{% macro price_slopes(panel, controls=[], is_logarithm=false) %}
{#- how often unit and time effects are taken out in turn; what they leave is in time_leak -#}
{%- set rounds = 6 -%}
{%- set newton_steps = 7 -%}
{%- set lags = 13 -%}
{#- from this many products on, errors may be correlated within each for ever -#}
{%- set least_clusters = 10 -%}
{%- set least_weeks = 8 -%}
{%- set columns = controls + ['log_price'] -%}
{%- set keys = 'category, product_id, unit, time_key, week, sales' -%}
{%- set state = namespace(last='panel_0', step=0) -%}
{#- each step is materialized: DuckDB needs time that doubles with each step to plan a chain of them -#}
with

panel_0 as materialized (

    select
        category,
        product_id,
        unit,
        time_key,
        cast(week as bigint) as week,
        cast(sales as double) as sales,
        1e0 as fitted,
        0e0 as slope,
        {%- for column in columns %}
        cast({{ column }} as double) as raw_{{ column }},
        cast({{ column }} as double) as {{ column }},
        {%- endfor %}
        cast({{ 'sales' if is_logarithm else 0 }} as double) as residual,
    from {{ panel }}

),

{% if not is_logarithm -%}
{{ holdfast._price_fit(state, columns, 5) }}
{%- endif %}
{{ holdfast._price_centre(state, columns, controls, rounds, is_logarithm) }}
{%- for step in range(1 if is_logarithm else newton_steps) %}
{{ holdfast._price_newton(state, columns, is_logarithm) }}
{%- if not is_logarithm %}
{{ holdfast._price_fit(state, columns, 1) }}
{%- endif %}
{%- endfor %}
{%- if not is_logarithm %}
{{ holdfast._price_centre(state, columns, controls, 3, is_logarithm) }}
{%- endif %}
rows_of_panel as (

    select
        category,
        product_id,
        unit,
        week,
        fitted,
        slope,
        raw_log_price,
        log_price,
        {{ 'residual' if is_logarithm else 'sales - fitted' }} as residual,
        raw_log_price - sum(fitted * raw_log_price) over of_unit / cast(nullif(sum(fitted) over of_unit, 0e0) as double) as own_price,
        1e0 - fitted / cast(nullif(sum(fitted) over of_time, 0e0) as double) as rest_share,
        sum(fitted * log_price) over of_time / cast(nullif(sum(fitted) over of_time, 0e0) as double) as time_leak,
    from {{ state.last }}
    window
        of_unit as {{ holdfast._price_window('unit', 'week') }},
        of_time as {{ holdfast._price_window('time_key', 'unit') }}

),

-- of a product in several stores the week's scores are one, for what happens in a week may happen in all of them
of_weeks as materialized (

    select
        category,
        product_id,
        week,
        max(slope) as slope,
        count(*) as row_count,
        sum(fitted) as fitted,
        sum(residual * own_price) as own_score,
        sum(fitted * own_price * own_price * rest_share) as own_information,
        sum(residual * log_price) as score,
        sum(fitted * log_price * log_price) as information,
        sum(fitted * time_leak * time_leak) as leak,
        sum(residual * residual) as residual_squares,
    from rows_of_panel
    group by category, product_id, week

),

{{ holdfast._price_errors('product', ['category', 'product_id'], 'of_weeks', 'own_score', 'own_information', lags) }}

weeks_of_category as (

    select
        category,
        week,
        max(slope) as slope,
        sum(row_count) as row_count,
        sum(fitted) as fitted,
        sum(score) as score,
        sum(information) as information,
        sum(leak) as leak,
        sum(residual_squares) as residual_squares,
    from of_weeks
    group by category, week

),

{{ holdfast._price_errors('category', ['category'], 'weeks_of_category', 'score', 'information', lags) }}

clusters as (

    select
        category,
        count(*) as products,
        sum(cluster_score * cluster_score) as score_squares,
        sum(leak) as leak,
    from (
        select
            category,
            product_id,
            sum(score) as cluster_score,
            sum(leak) as leak,
        from of_weeks
        group by category, product_id
    ) as products
    group by category

),

{%- set model_variance = "1e0" if not is_logarithm else
    "errors.residual_squares / cast(nullif(errors.row_count - 1, 0) as double)" %}
category_estimates as materialized (

    select
        errors.category,
        -- one more Newton step, with the weights as they are now
        errors.slope + errors.score_sum / cast(nullif(errors.information, 0e0) as double) as slope,
        errors.information,
        errors.price_spread,
        errors.week_count,
        clusters.products,
        sqrt(clusters.leak / cast(nullif(errors.information, 0e0) as double)) as time_leak,
        greatest(
            {{ model_variance }} * errors.information,
            errors.long_run * errors.critical * errors.critical,
            case
                when clusters.products >= {{ least_clusters }}
                    then clusters.score_squares * clusters.products / cast(clusters.products - 1 as double)
                    -- Student's critical value for as many clusters, to the first order
                    * power(1e0 + 1.21e0 / cast(clusters.products - 1 as double), 2)
                else 0e0
            end
        ) / cast(nullif(errors.information * errors.information, 0e0) as double) as variance,
    from category_errors as errors
    inner join clusters on clusters.category = errors.category

),

product_estimates as materialized (

    select
        errors.category,
        errors.product_id,
        errors.information,
        errors.week_count,
        errors.price_spread,
        errors.slope + errors.score_sum / cast(nullif(errors.information, 0e0) as double) - categories.slope as difference,
        greatest({{ model_variance }} * errors.information, errors.long_run)
        / cast(nullif(errors.information * errors.information, 0e0) as double) as variance,
        -- the wider interval is for the product's own slope; as a weight the larger variance would shrink too much
        greatest({{ model_variance }} * errors.information, errors.long_run * errors.critical * errors.critical)
        / cast(nullif(errors.information * errors.information, 0e0) as double) as critical_variance,
    from product_errors as errors
    inner join category_estimates as categories on categories.category = errors.category

),

-- a price that moves by less than half a percent, once the effects are out, carries nothing
usable_categories as (

    select * from category_estimates
    where price_spread >= 0.005e0 and variance > 0e0

),

usable_products as (

    select products.*
    from product_estimates as products
    inner join usable_categories as categories on categories.category = products.category
    where products.price_spread >= 0.005e0 and products.variance > 0e0

),

{{ holdfast._price_spread_of('of_products', 'usable_products', 'difference', 'category') }}

{{ holdfast._price_spread_of('of_categories', 'usable_categories', 'slope', none) }}

shrunk_categories as (

    select
        categories.category,
        categories.slope,
        sqrt(categories.variance) as standard_error,
        spread.mean as all_slope,
        sqrt(spread.mean_variance) as all_standard_error,
        spread.variance as spread_variance,
        spread.members,
        spread.variance / cast(nullif(spread.variance + categories.variance, 0e0) as double) as weight,
    from usable_categories as categories
    cross join of_categories as spread

),

categories as (

    select
        estimates.category,
        estimates.price_spread,
        estimates.time_leak,
        shrunk.slope,
        shrunk.weight,
        shrunk.standard_error,
        spread.mean as all_slope,
        sqrt(spread.mean_variance) as all_standard_error,
        case
            when spread.members < 2 then shrunk.slope
            else spread.mean + coalesce(shrunk.weight * (shrunk.slope - spread.mean), 0e0)
        end as shrunk_slope,
        case
            when spread.members < 2 then shrunk.standard_error * shrunk.standard_error
            else
                coalesce(shrunk.weight * shrunk.standard_error * shrunk.standard_error, spread.variance)
                + power(1e0 - coalesce(shrunk.weight, 0e0), 2) * spread.mean_variance
        end as shrunk_variance,
    from category_estimates as estimates
    cross join of_categories as spread
    left join shrunk_categories as shrunk on shrunk.category = estimates.category

),

products as (

    select
        estimates.category,
        estimates.product_id,
        estimates.week_count,
        estimates.price_spread,
        usable.difference,
        usable.critical_variance,
        spread.variance as spread_variance,
        coalesce(spread.variance / cast(nullif(spread.variance + usable.variance, 0e0) as double), 0e0) as weight,
    from product_estimates as estimates
    cross join of_products as spread
    left join usable_products as usable
        on usable.product_id = estimates.product_id
        and usable.category = estimates.category

),

shrunk as (

    select
        products.category,
        products.product_id,
        products.week_count,
        products.price_spread,
        categories.price_spread as category_price_spread,
        categories.time_leak,
        categories.all_slope,
        categories.all_standard_error,
        categories.slope as category_slope,
        categories.standard_error as category_standard_error,
        categories.weight as category_weight,
        categories.slope + products.difference as own_slope,
        sqrt(products.critical_variance + categories.standard_error * categories.standard_error) as own_standard_error,
        products.weight as own_weight,
        categories.shrunk_slope + coalesce(products.weight * products.difference, 0e0) as slope,
        sqrt(categories.shrunk_variance + products.spread_variance * (1e0 - products.weight)) as standard_error,
    from products
    inner join categories on categories.category = products.category

),

judged as (

    select
        *,
        -- the level comes from the category, or from all where the category's own data do not contradict them
        coalesce(
            category_slope + 1.96e0 * category_standard_error < 0e0
            or (
                all_slope + 1.96e0 * all_standard_error < 0e0
                and abs(category_slope - all_slope) <= 1.96e0 * category_standard_error
            )
            or (category_slope is null and all_slope + 1.96e0 * all_standard_error < 0e0),
            false
        ) as has_level,
        coalesce(price_spread, 0e0) >= 0.005e0 and week_count >= {{ least_weeks }} and time_leak < 0.05e0 as has_variation,
    from shrunk

),

final as (

    select
        category,
        product_id,
        week_count,
        round(price_spread, 6) as price_spread,
        round(category_price_spread, 6) as category_price_spread,
        round(all_slope, 6) as all_slope,
        round(all_standard_error, 6) as all_standard_error,
        round(category_slope, 6) as category_slope,
        round(category_standard_error, 6) as category_standard_error,
        round(coalesce(category_weight, 0e0), 6) as category_weight,
        round(own_slope, 6) as own_slope,
        round(own_standard_error, 6) as own_standard_error,
        round(own_weight, 6) as own_weight,
        round(slope, 6) as slope,
        round(standard_error, 6) as standard_error,
        case
            when category_slope is null then 'not_identified'
            when category_slope - 1.96e0 * category_standard_error > 0e0 then 'wrong_sign'
            when category_slope + 1.96e0 * category_standard_error < 0e0 then 'estimated'
            else 'not_identified'
        end as category_status,
        case
            when not coalesce(has_variation, false) then 'not_identified'
            when own_slope - 1.96e0 * own_standard_error > 0e0 or slope >= 0e0 then 'wrong_sign'
            when not has_level then 'not_identified'
            when own_slope + 1.96e0 * own_standard_error < 0e0 then 'estimated'
            when slope + 1.96e0 * standard_error < 0e0 then 'pooled'
            else 'not_identified'
        end as status,
    from judged

)

select * from final
{% endmacro %}


{#- A window over the whole of a group, in an order: a sum of doubles is the same only if its order is. -#}
{% macro _price_window(partition, by) %}
    {%- set window = 'partition by ' ~ partition ~ ' order by ' ~ by
        ~ ' asc nulls last rows between unbounded preceding and unbounded following' -%}
    {{- return('(' ~ window ~ ')') -}}
{% endmacro %}


{#- Steps that give every unit and every time the sales that it had, in turn (iterative proportional fitting). -#}
{% macro _price_fit(state, columns, rounds) %}
{%- for round in range(rounds) -%}
{%- for partition, by in [('unit', 'week'), ('time_key', 'unit')] -%}
{%- set before = state.last -%}
{%- set state.step = state.step + 1 -%}
{%- set state.last = 'panel_' ~ state.step %}
{{ state.last }} as materialized (

    select
        category,
        product_id,
        unit,
        time_key,
        week,
        sales,
        fitted * sum(sales) over effect / cast(nullif(sum(fitted) over effect, 0e0) as double) as fitted,
        slope,
        {%- for column in columns %}
        raw_{{ column }},
        {{ column }},
        {%- endfor %}
        residual,
    from {{ before }}
    window effect as {{ holdfast._price_window(partition, by) }}

),
{%- endfor -%}
{%- endfor -%}
{% endmacro %}


{#- Steps that take out of price and controls what unit, time and the controls before them tell. -#}
{% macro _price_centre(state, columns, controls, rounds, is_logarithm) %}
{%- set centred = columns + (['residual'] if is_logarithm else []) -%}
{%- for round in range(rounds) -%}
{%- for partition, by in [('unit', 'week'), ('time_key', 'unit')] -%}
{%- set before = state.last -%}
{%- set state.step = state.step + 1 -%}
{%- set state.last = 'panel_' ~ state.step %}
{{ state.last }} as materialized (

    select
        category,
        product_id,
        unit,
        time_key,
        week,
        sales,
        fitted,
        slope,
        {%- for column in columns %}
        raw_{{ column }},
        {%- endfor %}
        {%- for column in centred %}
        {{ column }} - sum(fitted * {{ column }}) over effect / cast(nullif(sum(fitted) over effect, 0e0) as double) as {{ column }},
        {%- endfor %}
        {%- if not is_logarithm %}
        residual,
        {%- endif %}
    from {{ before }}
    window effect as {{ holdfast._price_window(partition, by) }}

),
{%- endfor -%}
{%- endfor -%}
{%- for control in controls -%}
{%- set before = state.last -%}
{%- set state.step = state.step + 1 -%}
{%- set state.last = 'panel_' ~ state.step -%}
{%- set later = columns[loop.index:] + (['residual'] if is_logarithm else []) %}
{{ state.last }} as materialized (

    select
        category,
        product_id,
        unit,
        time_key,
        week,
        sales,
        fitted,
        slope,
        {%- for column in columns %}
        raw_{{ column }},
        {%- endfor %}
        {%- for column in columns + ['residual'] %}
        {%- if column in later %}
        {{ column }} - case
            -- of a control that the effects explain nothing is left but rounding
            when sum(fitted * {{ control }} * {{ control }}) over effect > 1e-9 * sum(fitted) over effect
                then {{ control }} * sum(fitted * {{ control }} * {{ column }}) over effect
                    / cast(sum(fitted * {{ control }} * {{ control }}) over effect as double)
            else 0e0
        end as {{ column }},
        {%- else %}
        {{ column }},
        {%- endif %}
        {%- endfor %}
    from {{ before }}
    window effect as {{ holdfast._price_window('category', 'unit asc nulls last, week') }}

),
{%- endfor -%}
{% endmacro %}


{#- One Newton step of the category's slope and its controls; price and controls are orthogonal, so each steps by itself. -#}
{% macro _price_newton(state, columns, is_logarithm) %}
{%- set before = state.last -%}
{%- set state.step = state.step + 1 -%}
{%- set state.last = 'panel_' ~ state.step %}
{%- set residual = 'residual' if is_logarithm else '(sales - fitted)' %}
steps_{{ state.step }} as materialized (

    select
        *,
        {%- for column in columns %}
        case
            when sum(fitted * {{ column }} * {{ column }}) over effect > 1e-9 * sum(fitted) over effect
                then greatest(-1e1, least(1e1,
                    sum({{ residual }} * {{ column }}) over effect
                    / cast(sum(fitted * {{ column }} * {{ column }}) over effect as double)
                ))
            else 0e0
        end as step_{{ column }},
        {%- endfor %}
    from {{ before }}
    window effect as {{ holdfast._price_window('category', 'unit asc nulls last, week') }}

),

{{ state.last }} as materialized (

    select
        category,
        product_id,
        unit,
        time_key,
        week,
        sales,
        {%- if is_logarithm %}
        fitted,
        {%- else %}
        fitted * exp(greatest(-5e0, least(5e0, 0e0
            {%- for column in columns %} + step_{{ column }} * {{ column }}{% endfor %}))) as fitted,
        {%- endif %}
        slope + step_log_price as slope,
        {%- for column in columns %}
        raw_{{ column }},
        {{ column }},
        {%- endfor %}
        {%- if is_logarithm %}
        -- the controls are out of the residual already
        residual - step_log_price * log_price as residual,
        {%- else %}
        residual,
        {%- endif %}
    from steps_{{ state.step }}

),
{% endmacro %}


{#-
  CTEs <name>_errors: per group the sums of score and information over weeks, and the long-run variance of the score (Newey and
  West, Bartlett's weights) with the factor by which its critical value exceeds the normal one (Kiefer and Vogelsang 2005).
-#}
{% macro _price_errors(name, groups, relation, score, information, lags) %}
{%- set partition = groups | join(', ') -%}
{{ name }}_scores as (

    select
        *,
        coalesce(sum({{ score }}) over past, 0e0) as past_score,
        coalesce(sum({{ score }} * week) over past, 0e0) as past_moment,
    from {{ relation }}
    window
        past as (
            partition by {{ partition }}
            order by week asc nulls last
            range between {{ lags }} preceding and 1 preceding
        )

),

{{ name }}_sums as (

    select
        {%- for group in groups %}
        {{ group }},
        {%- endfor %}
        max(slope) as slope,
        count(*) as week_count,
        sum(row_count) as row_count,
        sum(residual_squares) as residual_squares,
        sum({{ score }}) as score_sum,
        sum({{ information }}) as information,
        sqrt(sum({{ information }}) / cast(nullif(sum(fitted), 0e0) as double)) as price_spread,
        greatest(0e0, sum(
            {{ score }} * (
                {{ score }}
                + 2e0 * ((1e0 - week / {{ lags + 1 }}e0) * past_score + past_moment / {{ lags + 1 }}e0)
            )
        )) as long_run,
        least(1e0, {{ lags }}e0 / cast(count(*) as double)) as bandwidth,
    from {{ name }}_scores
    group by {{ partition }}

),

{{ name }}_errors as (

    select
        *,
        (1.96e0 + bandwidth * (2.9694e0 + bandwidth * (0.416e0 - bandwidth * 0.5324e0))) / 1.96e0 as critical,
    from {{ name }}_sums

),
{%- endmacro %}


{#-
  CTEs that end in <name>: mean and variance of the true values behind estimates with known errors, by the moments of DerSimonian
  and Kacker (2007). Their weights come from what the prices tell, not from the estimated errors: an estimate that is far off has a
  large error, too, and would hide that the members differ. Of the variance the mean above zero is taken, not the truncated
  estimate: members that look alike may do so by chance.
-#}
{% macro _price_spread_of(name, relation, value, within) %}
{{ name }}_precise as (

    select
        {{ value }} as value,
        variance,
        1e0 / cast(
            sum(variance * information * information) over everything
            / cast(nullif(sum(information) over everything, 0e0) * information as double)
            -- as if true values differed by a half, which is only a weight
            + 0.25e0
            as double
        ) as precision,
        {%- if within %}
        {{ within }} as part,
        {%- else %}
        1 as part,
        {%- endif %}
    from {{ relation }}
    window everything as {{ holdfast._price_window('1', value ~ ' asc nulls last, information') }}

),

{{ name }}_means as (

    select
        *,
        sum(precision * value) over of_part / cast(nullif(sum(precision) over of_part, 0e0) as double) as part_mean,
        sum(precision) over of_part as part_precision,
    from {{ name }}_precise
    window of_part as {{ holdfast._price_window('part', 'value asc nulls last, precision') }}

),

{{ name }}_moments as (

    select
        count(*) as members,
        sum(precision * power(value - part_mean, 2)) as q,
        -- what of it the errors alone would give, and per unit of variance
        sum(precision * variance * (1e0 - precision / cast(part_precision as double))) as expected,
        sum(precision * (1e0 - precision / cast(part_precision as double))) as per_variance,
    from {{ name }}_means

),

{{ name }}_estimates as (

    select
        members,
        (q - expected) / cast(nullif(per_variance, 0e0) as double) as estimate,
        per_variance,
    from {{ name }}_moments

),

{{ name }}_raw as (

    select
        max(moments.members) as members,
        max(moments.estimate) as estimate,
        sqrt(2e0 * sum(power(members.precision * (members.variance + greatest(0e0, moments.estimate)), 2)))
        / cast(nullif(max(moments.per_variance), 0e0) as double) as error,
    from {{ name }}_estimates as moments
    cross join {{ name }}_precise as members

),

{{ name }}_standardised as (

    select
        *,
        greatest(-4e0, least(1e1, estimate / cast(nullif(error, 0e0) as double))) as z,
    from {{ name }}_raw

),

{{ name }}_variances as (

    select
        members,
        case
            when members < 2 then 0e0
            -- the normal distribution function by a logistic one with a cubic term
            else error * (z + exp(-z * z / 2e0) / 2.5066282746e0 * (1e0 + exp(-1.5976e0 * z - 0.07056e0 * z * z * z)))
        end as variance,
    from {{ name }}_standardised

),

{{ name }} as (

    select
        max(variances.members) as members,
        coalesce(max(variances.variance), 0e0) as variance,
        sum(estimates.value / cast(estimates.variance + variances.variance as double))
        / cast(nullif(sum(1e0 / cast(estimates.variance + variances.variance as double)), 0e0) as double) as mean,
        1e0 / cast(nullif(sum(1e0 / cast(estimates.variance + variances.variance as double)), 0e0) as double) as mean_variance,
    from {{ name }}_variances as variances
    left join {{ name }}_precise as estimates on true

),
{%- endmacro %}
