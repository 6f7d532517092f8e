{#-
  A query: how contact times are computed at each of some moments, one row per moment and unit. Every choice is tried on the
  days before the moment, with what was known before those days: the one with the least logarithmic loss is taken.

  The concentration of the Dirichlet distribution is so chosen by its likelihood on later days, not on the days that it was
  shrunk on. First all active hours count alike, and width and concentration are chosen; then, at that width, the weights,
  the half-life, and the concentration once more.

  `moments` has the column settled_at, `activity` those of timing_activity: names of CTEs.
-#}
{% macro timing_choices(moments, activity) %}
{%- set days = holdfast.timing_holdout_days() -%}
{%- set least_rows = 200 -%}
{%- set widths = {'hour': [0, 0.8, 1.2, 1.6, 2.0, 2.5], 'weekday': [0]} -%}
{%- set concentrations = [1, 2, 4, 8, 16, 32, 64, 128, 256, 1024] -%}
{#- for data that are too few to choose: what two shops chose -#}
{%- set defaults = {'hour': {'width': 1.2, 'concentration': 8}, 'weekday': {'width': 0, 'concentration': 32}} -%}
{%- set weightings = [] -%}
{%- for order_weight, click_weight in [(1, 1), (2, 1), (1, 0.5)] -%}
    {%- for half_life_days in [none, 365, 180] -%}
        {%- do weightings.append({'order': order_weight, 'click': click_weight, 'half_life': half_life_days}) -%}
    {%- endfor -%}
{%- endfor -%}
with

evidence as (

    select
        settled_at,
        unit,
        customer_id,
        slot,
        count(*) as hours,
        {%- for weighting in weightings %}
        sum({{ holdfast.timing_weight(
            weighting.order ~ 'e0', weighting.click ~ 'e0',
            'cast(' ~ (weighting.half_life or 'null') ~ ' as double)', 'began_at'
        ) }}) as weight_{{ loop.index }},
        {%- endfor %}
    from (
        select
            activity.*,
            moments.settled_at,
            moments.settled_at - interval {{ days }} day as began_at,
        from {{ activity }} as activity
        cross join {{ moments }} as moments
    ) as dated
    where
        happened_at < began_at
        and known_at < began_at
    group by settled_at, unit, customer_id, slot

),

totals as (

    select
        settled_at,
        unit,
        customer_id,
        sum(hours) as hours,
        {%- for weighting in weightings %}
        cast(sum(weight_{{ loop.index }}) as double) as weight_{{ loop.index }},
        {%- endfor %}
    from evidence
    group by settled_at, unit, customer_id

),

slots as (

    {%- for unit in widths %}
    {%- for slot in holdfast.timing_slots(unit) %}
    select
        {{ holdfast.text(unit) }} as unit,
        {{ slot }} as slot
    {{- '' if loop.last else '\n    union all' }}
    {%- endfor %}
    {{- '' if loop.last else '\n    union all' }}
    {%- endfor %}

),

-- as in timing_shares: nobody counts for more than 30 hours, and no hour is impossible
everyone as (

    select
        moments.settled_at,
        slots.unit,
        slots.slot,
        coalesce(cast(sum(cast(
            evidence.hours * least(1e0, 30e0 / cast(totals.hours as double)) as decimal(38, 6)
        )) as double), 0e0) + 0.5e0 as weight,
    from {{ moments }} as moments
    cross join slots
    left join evidence
        on evidence.settled_at = moments.settled_at
        and evidence.unit = slots.unit
        and evidence.slot = slots.slot
    left join totals
        on totals.settled_at = evidence.settled_at
        and totals.unit = evidence.unit
        and totals.customer_id = evidence.customer_id
    group by moments.settled_at, slots.unit, slots.slot

),

everyones_totals as (

    select
        settled_at,
        unit,
        cast(sum(cast(weight as decimal(38, 6))) as double) as weight,
    from everyone
    group by settled_at, unit

),

shares as (

    select
        everyone.settled_at,
        everyone.unit,
        everyone.slot,
        everyone.weight / cast(nullif(everyones_totals.weight, 0e0) as double) as share,
    from everyone
    inner join everyones_totals
        on everyones_totals.settled_at = everyone.settled_at
        and everyones_totals.unit = everyone.unit

),

-- what happened in the days that follow, by customers whose habit was known
targets as (

    select
        moments.settled_at,
        activity.unit,
        activity.customer_id,
        activity.slot,
        count(*) as hours,
    from {{ activity }} as activity
    cross join {{ moments }} as moments
    where
        activity.happened_at >= moments.settled_at - interval {{ days }} day
        and activity.happened_at < moments.settled_at
        and activity.known_at < moments.settled_at
    group by moments.settled_at, activity.unit, activity.customer_id, activity.slot

),

widths as (
    {%- for unit, of_unit in widths.items() %}
    {%- for width in of_unit %}

    select
        {{ holdfast.text(unit) }} as unit,
        {{ width }}e0 as kernel_width,
        {{ holdfast.timing_reach(unit) }} as reach
    {{- '' if loop.last else '\n\n    union all' }}
    {%- endfor %}
    {{- '' if loop.last else '\n\n    union all' }}
    {%- endfor %}

),

bells as (

    select
        unit,
        kernel_width,
        distance,
        case distance
            {%- for distance in range(holdfast.timing_reach('hour') + 1) %}
            when {{ distance }} then {{ holdfast.timing_bell('kernel_width', distance) }}
            {%- endfor %}
        end as near,
    from widths
    cross join (select {{ holdfast.whole_numbers(holdfast.timing_reach('hour')) }} as distance) as distances
    where distance <= reach

),

kernels as (

    select
        unit,
        kernel_width,
        distance,
        near / cast(nullif(sum(cast(case when distance = 0 then near else 2e0 * near end as decimal(38, 12))) over (
            partition by unit, kernel_width
        ), 0) as double) as near,
    from bells

),

weightings as (
    {%- for weighting in weightings %}

    select
        {{ loop.index }} as weighting,
        {{ weighting.order }}e0 as order_weight,
        {{ weighting.click }}e0 as click_weight,
        cast({{ weighting.half_life or 'null' }} as double) as half_life_days
    {{- '' if loop.last else '\n\n    union all' }}
    {%- endfor %}

),

concentrations as (
    {%- for concentration in concentrations %}

    select {{ concentration }}e0 as concentration
    {{- '' if loop.last else '\n\n    union all' }}
    {%- endfor %}

),

-- at first every active hour counts once: how far does it speak for its neighbours
every_width as (

    select
        moments.settled_at,
        widths.unit,
        widths.kernel_width,
    from {{ moments }} as moments
    cross join widths

),

{{ holdfast._timing_trial('first', 'every_width', [1]) }},

-- then, at that width, what counts more and what less
{{ holdfast._timing_trial('second', 'first_best', range(1, weightings | length + 1)) }},

units as (
    {%- for unit, of_unit in defaults.items() %}

    select
        {{ holdfast.text(unit) }} as unit,
        {{ of_unit.width }}e0 as kernel_width,
        {{ of_unit.concentration }}e0 as concentration
    {{- '' if loop.last else '\n\n    union all' }}
    {%- endfor %}

),

final as (

    select
        moments.settled_at,
        units.unit,
        second_best.settled_at is null as is_default,
        coalesce(second_best.kernel_width, units.kernel_width) as kernel_width,
        coalesce(second_best.concentration, units.concentration) as concentration,
        coalesce(second_best.order_weight, 1e0) as order_weight,
        coalesce(second_best.click_weight, 1e0) as click_weight,
        second_best.half_life_days,
        cast(coalesce(second_best.row_count, 0) as bigint) as row_count,
        second_best.log_loss,
    from {{ moments }} as moments
    cross join units
    left join second_best
        on second_best.settled_at = moments.settled_at
        and second_best.unit = units.unit
        and second_best.row_count >= {{ least_rows }}

)

select * from final
{%- endmacro %}


{#-
  CTEs that try weightings at widths: <name>_near, <name>_told, <name>_tried and <name>_best, the best row of each moment and
  unit. An hour far from all that the customer did has no row among those near.
-#}
{% macro _timing_trial(name, widths, weightings) -%}
{{ name }}_near as (

    select
        targets.settled_at,
        targets.unit,
        targets.customer_id,
        targets.slot,
        kernels.kernel_width,
        {%- for weighting in weightings %}
        cast(sum(cast(cast(evidence.weight_{{ weighting }} as double) * kernels.near as decimal(18, 9))) as double) as near_{{ weighting }},
        {%- endfor %}
    from targets
    inner join evidence
        on evidence.settled_at = targets.settled_at
        and evidence.unit = targets.unit
        and evidence.customer_id = targets.customer_id
    inner join {{ widths }} as widths
        on widths.settled_at = targets.settled_at
        and widths.unit = targets.unit
    inner join kernels
        on kernels.unit = widths.unit
        and kernels.kernel_width = widths.kernel_width
        and kernels.distance = case
            when targets.unit = 'weekday' then abs(evidence.slot - targets.slot)
            else least(abs(evidence.slot - targets.slot), 24 - abs(evidence.slot - targets.slot))
        end
    group by targets.settled_at, targets.unit, targets.customer_id, targets.slot, kernels.kernel_width

),

{{ name }}_told as (

    select
        targets.settled_at,
        targets.unit,
        targets.slot,
        targets.hours,
        widths.kernel_width,
        shares.share,
        {%- for weighting in weightings %}
        coalesce(near.near_{{ weighting }}, 0e0) as near_{{ weighting }},
        totals.weight_{{ weighting }},
        {%- endfor %}
    from targets
    inner join totals
        on totals.settled_at = targets.settled_at
        and totals.unit = targets.unit
        and totals.customer_id = targets.customer_id
    inner join {{ widths }} as widths
        on widths.settled_at = targets.settled_at
        and widths.unit = targets.unit
    inner join shares
        on shares.settled_at = targets.settled_at
        and shares.unit = targets.unit
        and shares.slot = targets.slot
    left join {{ name }}_near as near
        on near.settled_at = targets.settled_at
        and near.unit = targets.unit
        and near.customer_id = targets.customer_id
        and near.slot = targets.slot
        and near.kernel_width = widths.kernel_width

),

{{ name }}_tried as (

    select
        told.settled_at,
        told.unit,
        told.kernel_width,
        weightings.weighting,
        weightings.order_weight,
        weightings.click_weight,
        weightings.half_life_days,
        concentrations.concentration,
        sum(told.hours) as row_count,
        -cast(sum(cast(told.hours * ln(
            ({{ holdfast.timing_case('weightings.weighting', 'told.near_', weightings) }} + concentrations.concentration * told.share)
            / cast(nullif({{ holdfast.timing_case('weightings.weighting', 'told.weight_', weightings) }} + concentrations.concentration, 0e0) as double)
        ) as decimal(18, 9))) as double) / cast(nullif(sum(told.hours), 0) as double) as log_loss,
    from {{ name }}_told as told
    cross join weightings
    cross join concentrations
    where weightings.weighting in ({{ weightings | join(', ') }})
    group by
        told.settled_at,
        told.unit,
        told.kernel_width,
        weightings.weighting,
        weightings.order_weight,
        weightings.click_weight,
        weightings.half_life_days,
        concentrations.concentration

),

-- of equals the one that believes the customer less
{{ name }}_best as (

    select *
    from (
        select
            *,
            row_number() over (
                partition by settled_at, unit
                order by
                    log_loss asc nulls last,
                    concentration desc nulls last,
                    kernel_width desc nulls last,
                    weighting asc nulls last
            ) as rank,
        from {{ name }}_tried
    ) as ranked
    where rank = 1

)
{%- endmacro %}
