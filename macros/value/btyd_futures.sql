{#-
  The select of what an (M)BG/CNBD-k expects of a customer who lives, by stage of the hidden process. It depends on the repeat
  orders and the age alone, which many customers share: so it is computed for each pair once.

  At a stage, the number of hidden events to come is negative binomial. Of m events, (m + stage) / k are orders; how many of
  those are placed before the customer stops has a closed form, and the sum over m ends where the rest is below 1e-8. Nothing
  is approximated. With a ratio of the model's calibration, the distribution is that of a horizon longer by the ratio.

  `pairs`: relation of as_of, repeats and age, each once. `models`: relation of the chosen rows of btyd_model, one per as_of.
  `horizons`: relation of as_of, horizon_days and ratio, the horizons that are asked about.

  Columns: as_of, repeats, age, horizon_days, stage; raw_days, the order days expected within the horizon; of the calibrated
  distribution level_days, level_squares (the mean of the squares), and reached, the probabilities of at least 1, 2, … days, up to
  where they are below 1 in 10.
-#}
{% macro btyd_futures(pairs, models, horizons) %}
    {%- set orders = 'floor((event + stage) / cast(k as double))' -%}
    {#- of so many orders that would come, those placed before the customer stops: each one unless it happened before -#}
    {%- set lasting = '(a + living_b - 1e0 - exp(' ~ holdfast.log_gamma('living_b + ' ~ orders) ~ ' - '
        ~ holdfast.log_gamma('a + living_b - 1e0 + ' ~ orders) ~ ' + log_b)) / cast(a - 1e0 as double)' -%}
    {%- set lasting_of_less = '(a + living_b - 2e0 - exp(' ~ holdfast.log_gamma('living_b + ' ~ orders) ~ ' - '
        ~ holdfast.log_gamma('a + living_b - 2e0 + ' ~ orders) ~ ' + log_b_less)) / cast(a - 2e0 as double)' -%}
    {%- set squares = '2e0 * (' ~ orders ~ ' * ' ~ lasting ~ ' - (a + living_b - 1e0) / cast(a - 1e0 as double) * (' ~ orders
        ~ ' - ' ~ lasting_of_less ~ ')) - ' ~ lasting -%}
with

asked as (

        select
            pairs.as_of,
            pairs.repeats,
            pairs.age,
            horizons.horizon_days,
            models.k,
            models.a,
            models.b + pairs.repeats + case when models.stops_at_first then 1 else 0 end as living_b,
            models.r + models.k * pairs.repeats as shape_at_first_stage,
            horizons.horizon_days / cast(models.alpha + pairs.age as double) as spread,
            horizons.horizon_days * horizons.ratio / cast(models.alpha + pairs.age as double) as level_spread,
        from {{ pairs }} as pairs
        inner join {{ models }} as models on models.as_of = pairs.as_of
        inner join {{ horizons }} as horizons on horizons.as_of = pairs.as_of

    ),

    stages as (

        select {{ holdfast.whole_numbers(holdfast._most_stages() - 1) }} as stage

    ),

    staged as (

        select
            asked.*,
            stages.stage,
            asked.shape_at_first_stage + stages.stage as shape,
        from asked
        inner join stages on stages.stage < asked.k

    ),

    bounded as (

        select
            *,
            {{ holdfast._last_event('shape', 'spread') }} as last_event,
            {{ holdfast._last_event('shape', 'level_spread') }} as last_level_event,
            -- Cantelli: three standard deviations above the mean, the probability is 1 in 10 at most; and a day is one order day
            cast(least(
                ceil((shape * level_spread + 3e0 * sqrt(shape * level_spread * (1e0 + level_spread)) + stage) / cast(k as double)),
                ceil(horizon_days * level_spread / cast(spread as double))
            ) as bigint) as most_days,
        from staged

    ),

    sized as (

        select
            *,
            cast(power(2, ceil(log2(greatest(last_event, last_level_event, most_days) + 1))) as bigint) as term_count,
        from bounded

    ),

    -- what does not depend on the age
    shapes as (

        select distinct
            as_of,
            repeats,
            stage,
            term_count,
            k,
            a,
            living_b,
            shape,
            {{ holdfast.log_gamma('shape') }} as log_shape,
            {{ holdfast.log_gamma('a + living_b') }} - {{ holdfast.log_gamma('living_b') }} as log_b,
            {{ holdfast.log_gamma('a + living_b - 1e0') }} - {{ holdfast.log_gamma('living_b') }} as log_b_less,
        from sized

    ),

    terms as materialized (

        select
            as_of,
            repeats,
            stage,
            term_count,
            {{ holdfast.list_over(
                'term_count - 1', 'event',
                holdfast.log_gamma('shape + event') ~ ' - ' ~ holdfast.log_gamma('event + 1e0') ~ ' - log_shape'
            ) }} as log_terms,
            {{ holdfast.list_over(
                'term_count - 1', 'event', 'case when ' ~ orders ~ ' < 1 then 0e0 else ' ~ lasting ~ ' end'
            ) }} as lasting,
            {{ holdfast.list_over(
                'term_count - 1', 'event', 'case when ' ~ orders ~ ' < 1 then 0e0 else ' ~ squares ~ ' end'
            ) }} as squares,
            {{ holdfast.list_over(
                'term_count - 1', 'event',
                'exp(' ~ holdfast.log_gamma('living_b + event') ~ ' - ' ~ holdfast.log_gamma('a + living_b + event') ~ ' + log_b)'
            ) }} as staying,
        from shapes

    ),

    distributed as (

        select
            sized.as_of,
            sized.repeats,
            sized.age,
            sized.horizon_days,
            sized.stage,
            sized.k,
            sized.last_event,
            sized.last_level_event,
            sized.most_days,
            terms.lasting,
            terms.squares,
            terms.staying,
            {%- for name, spread in [('last_event', 'spread'), ('last_level_event', 'level_spread')] %}
            {{ holdfast.list_map(
                holdfast.list_head('terms.log_terms', 'sized.' ~ name ~ ' + 1'),
                'exp({item} + ' ~ 'sized.log_none_' ~ spread ~ ' + {position} * sized.log_step_' ~ spread ~ ')'
            ) }} as of_{{ name }},
            {%- endfor %}
        from (
            select
                *,
                {%- for spread in ['spread', 'level_spread'] %}
                -shape * ln(1e0 + {{ spread }}) as log_none_{{ spread }},
                -ln(1e0 + 1e0 / cast({{ spread }} as double)) as log_step_{{ spread }},
                {%- endfor %}
            from sized
        ) as sized
        inner join terms
            on terms.as_of = sized.as_of
            and terms.repeats = sized.repeats
            and terms.stage = sized.stage
            and terms.term_count = sized.term_count

    )

    select
        as_of,
        repeats,
        age,
        horizon_days,
        stage,
        {{ holdfast.list_product('of_last_event', holdfast.list_head('lasting', 'last_event + 1')) }} as raw_days,
        {{ holdfast.list_product('of_last_level_event', holdfast.list_head('lasting', 'last_level_event + 1')) }} as level_days,
        {{ holdfast.list_product('of_last_level_event', holdfast.list_head('squares', 'last_level_event + 1')) }} as level_squares,
        {{ holdfast.list_map(
            holdfast.list_head('staying', 'most_days'),
            '{item} * greatest(1e0 - ' ~ holdfast.list_total(
                holdfast.list_head('of_last_level_event', '(({position} + 1) * k - stage)')
            ) ~ ', 0e0)'
        ) }} as reached,
    from distributed
{%- endmacro %}


{#- A SQL expression: the number of hidden events beyond which the sums leave out less than 1e-8, as in the Python package. -#}
{% macro _last_event(shape, spread) %}
    {{- return(
        'cast(least(ceil(' ~ shape ~ ' * ' ~ spread ~ ' + 5e0 * sqrt(' ~ shape ~ ' * ' ~ spread ~ ' * (1e0 + ' ~ spread
        ~ ')) + 14e0 * (1e0 + ' ~ spread ~ ')), 20000e0) as bigint)'
    ) -}}
{% endmacro %}
