{#-
  The select of when each customer's next order is due, as known at each moment of `moments`, a relation with the column as_of
  at midnight: customer_id, as_of, gap_count, days_since_order, expected_gap_days, and the whole days from as_of to the order:
  earliest_in_days, expected_in_days (the middle) and latest_in_days. One row per moment and customer with a purchase. `orders` has the
  columns of stg_holdfast__orders; all orders by default.

  How long a gap is, is measured in gaps that were expected when it began: the mean of the customer's gaps so far and three times
  the shop's median. Of all gaps, the open ones included as far as they have gone (Kaplan-Meier), there is a curve of how many
  last longer than such a ratio, for customers with equally many gaps, and it is drawn to the curve of all where they are few.
  A customer's own part of the curve begins at the silence so far, and ends two horizons after as_of: the dates are those of
  the next order if it comes by then. So no date lies in the past, whatever the day.

  The interval goes from the 15th to the 95th percentile. See docs/value.md for why it is not the middle of the curve.
-#}
{% macro next_order_dates(moments, orders=none) %}
    {%- set horizon_days = holdfast.setting('churn_horizon_days') -%}
    {%- set within_days = 2 * horizon_days -%}
    {#- as in customer_lifecycle: what the shop's typical gap weighs, and how few gaps tell none -#}
    {%- set shop_weight = 3 -%}
    {%- set least_gaps = 30 -%}
    {#- the curve of all weighs as much as this many gaps that are still open -#}
    {%- set curve_weight = 30 -%}
    {#- curves are steps of a fortieth in the logarithm of the ratio, from 1/148 to 148; cumulative hazards are looked up in thousandths, up to 30 -#}
    {%- set steps = 40 -%}
    {%- set reach = 200 -%}
    {%- set levels = 1000 -%}
    {#- half a day on either side of whole days -#}
    {%- set position = "least(greatest(ln(greatest({days}, 0.25e0) / usual_gap_days) * " ~ steps ~ 'e0, -' ~ reach ~ '), ' ~ reach ~ ')' -%}
    {%- set quantiles = {'earliest': '0.15e0', 'expected': '0.5e0', 'latest': '0.95e0'} -%}
with

days as (

        select
            moments.as_of,
            orders.customer_id,
            cast(orders.ordered_at as date) as day,
        from {{ orders or ref('holdfast', 'stg_holdfast__orders') }} as orders
        inner join {{ moments }} as moments
            on moments.as_of > orders.ordered_at
            and moments.as_of > coalesce(orders.loaded_at, orders.ordered_at)
        where
            orders.amount > 0
            and orders.customer_id is not null
        group by moments.as_of, orders.customer_id, cast(orders.ordered_at as date)

    ),

    followed as (

        select
            *,
            lead(day) over purchases as next_day,
            {{ holdfast.days_between('lag(day) over purchases', 'day') }} as gap_days,
        from days
        window purchases as (partition by as_of, customer_id order by day asc nulls last)

    ),

    -- of those that began early enough, or only the short ones would be over
    shop_gaps as (

        select
            as_of,
            median({{ holdfast.days_between('day', 'next_day') }}) as gap_days,
        from followed
        where
            {{ holdfast.days_between('day', 'next_day') }} <= {{ horizon_days }}
            and day < as_of - interval {{ horizon_days }} day
        group by as_of

    ),

    counted as (

        select
            followed.*,
            count(gap_days) over so_far as gap_count,
            coalesce(cast(sum(gap_days) over so_far as bigint), 0) as gap_sum,
            {{ holdfast.days_between('day', 'coalesce(next_day, cast(as_of as date))') }} as lasted_days,
            -- data that stop before as_of say nothing of the days since
            {{ holdfast.days_between(
                'day', 'coalesce(next_day, greatest(day, least(cast(as_of as date), cast(' ~ holdfast.known_until() ~ ' as date))))'
            ) }} as seen_days,
        from followed
        window so_far as (
            partition by as_of, customer_id order by day asc nulls last rows between unbounded preceding and current row
        )

    ),

    expected as (

        select
            counted.*,
            case
                when gap_count <= 2 then gap_count
                when gap_count <= 4 then 3
                when gap_count <= 8 then 4
                else 5
            end as evidence,
            ({{ shop_weight }} * coalesce(shop_gaps.gap_days, {{ horizon_days }} / 4e0) + gap_sum)
            / cast({{ shop_weight }} + gap_count as double) as usual_gap_days,
        from counted
        left join shop_gaps on shop_gaps.as_of = counted.as_of

    ),

    tallied as (

        select
            as_of,
            evidence,
            cast(ceil({{ position | replace('{days}', 'seen_days') }}) as integer) as step,
            count(next_day) as ended,
            count(*) as total,
        from expected
        group by as_of, evidence, cast(ceil({{ position | replace('{days}', 'seen_days') }}) as integer)

    ),

    ladder as (

        select {{ holdfast.whole_numbers(2 * reach) }} - {{ reach }} as step

    ),

    kinds as (

        select
            as_of,
            evidence,
        from tallied
        group by as_of, evidence

    ),

    filled as (

        select
            kinds.as_of,
            kinds.evidence,
            ladder.step,
            coalesce(tallied.ended, 0) as ended,
            coalesce(tallied.total, 0) as total,
        from kinds
        cross join ladder
        left join tallied
            on tallied.as_of = kinds.as_of
            and tallied.evidence = kinds.evidence
            and tallied.step = ladder.step

    ),

    -- what is open leaves in the middle of its step
    at_risk as (

        select
            *,
            sum(total) over (
                partition by as_of, evidence order by step desc nulls last rows between unbounded preceding and current row
            ) - (total - ended) / 2e0 as remaining,
        from filled

    ),

    of_all as (

        select
            *,
            sum(cast(ended as double)) over (partition by as_of, step)
            / cast(nullif(sum(remaining) over (partition by as_of, step), 0) as double) as share_of_all,
            sum(ended) over (partition by as_of) as ended_of_all,
        from at_risk

    ),

    hazards as (

        select
            as_of,
            evidence,
            step,
            cast(round(-ln(1 - least(
                (ended + {{ curve_weight }} * coalesce(share_of_all, 0))
                / cast(remaining + {{ curve_weight }} as double),
                0.999999e0
            )) * 1e12) as decimal(38, 0)) as hazard,
        from of_all
        where ended_of_all >= {{ least_gaps }}

    ),

    curves as (

        select
            as_of,
            evidence,
            step,
            cast(hazard as double) / 1e12 as hazard,
            cast(coalesce(sum(hazard) over (
                partition by as_of, evidence order by step asc nulls last rows between unbounded preceding and 1 preceding
            ), 0) as double) / 1e12 as hazard_before,
        from hazards

    ),

    levels as (

        select {{ holdfast.whole_numbers(30 * levels) }} as level

    ),

    -- the curves the other way round: where the cumulative hazard reaches a level
    reached as (

        select
            curves.as_of,
            curves.evidence,
            levels.level,
            curves.step - 1 + (levels.level / {{ levels }}e0 - curves.hazard_before) / cast(curves.hazard as double) as place,
        from curves
        inner join levels
            on levels.level / {{ levels }}e0 >= curves.hazard_before
            and levels.level / {{ levels }}e0 < curves.hazard_before + curves.hazard
        where curves.hazard > 0

    ),

    inverse as (

        select
            *,
            coalesce(lead(place) over (partition by as_of, evidence order by level asc nulls last), {{ reach }}) - place as to_next,
        from reached

    ),

    newest as (

        select
            as_of,
            customer_id,
            evidence,
            gap_count,
            lasted_days as days_since_order,
            usual_gap_days,
            {{ position | replace('{days}', 'lasted_days - 0.5e0') }} as begins_at,
            {{ position | replace('{days}', 'lasted_days - 0.5e0 + ' ~ within_days) }} as ends_at,
        from expected
        where next_day is null

    ),

    placed as (

        select
            newest.*,
            begins.hazard_before + (newest.begins_at - begins.step + 1) * begins.hazard as hazard_then,
            1 - exp(
                begins.hazard_before + (newest.begins_at - begins.step + 1) * begins.hazard
                - ends.hazard_before - (newest.ends_at - ends.step + 1) * ends.hazard
            ) as chance,
        from newest
        left join curves as begins
            on begins.as_of = newest.as_of
            and begins.evidence = newest.evidence
            and begins.step = cast(ceil(newest.begins_at) as integer)
        left join curves as ends
            on ends.as_of = newest.as_of
            and ends.evidence = newest.evidence
            and ends.step = cast(ceil(newest.ends_at) as integer)

    ),

    aimed as (

        select
            *,
            {%- for name, quantile in quantiles.items() %}
            -- where nobody has come back after such a silence, nobody knows when
            case when chance >= 0.01e0 then (hazard_then - ln(1 - {{ quantile }} * chance)) * {{ levels }}e0 end as {{ name }}_level,
            {%- endfor %}
        from placed

    ),

    found as (

        select
            aimed.*,
            {%- for name in quantiles %}
            cast(ceil(
                aimed.usual_gap_days
                * exp(({{ name }}.place + ({{ name }}_level - {{ name }}.level) * {{ name }}.to_next) / {{ steps }}e0)
                - aimed.days_since_order - 0.5e0
            ) as integer) as {{ name }}_found,
            {%- endfor %}
        from aimed
        {%- for name in quantiles %}
        left join inverse as {{ name }}
            on {{ name }}.as_of = aimed.as_of
            and {{ name }}.evidence = aimed.evidence
            and {{ name }}.level = cast(floor(aimed.{{ name }}_level) as integer)
        {%- endfor %}

    )

    select
        customer_id,
        as_of,
        gap_count,
        days_since_order,
        usual_gap_days as expected_gap_days,
        {%- for name in quantiles %}
        case
            when earliest_found is not null and expected_found is not null and latest_found is not null
                then least(greatest({{ name }}_found, 0), {{ within_days - 1 }})
        end as {{ name }}_in_days,
        {%- endfor %}
    from found
{%- endmacro %}
