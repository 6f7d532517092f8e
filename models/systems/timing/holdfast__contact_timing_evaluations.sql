-- how well contact times told later activity, beside everyone's hours and the customer's counts, and what came of sends
{{ config(enabled=holdfast.has_system('timing')) }}

{% set as_of = 'cast(' ~ holdfast.as_of_date() ~ ' as timestamp)' -%}
{% set days = holdfast.timing_holdout_days() -%}
{% set units = ['hour', 'weekday'] -%}
{% set algorithms = {'dirichlet': 'in_use', 'everyone': 'baseline', 'own_counts': 'baseline'} -%}
{#- a click or an order counts for a send within this many days -#}
{% set answer_days = 3 -%}
with

moments as (

    select {{ holdfast.plus_days(as_of, '-' ~ days ~ ' * (step + 1)') }} as settled_at
    from (select {{ holdfast.whole_numbers(3) }} as step) as steps

),

sampled as (

    {{ holdfast.timing_sample() | indent(4) }}

),

customers as (

    select
        moments.settled_at,
        customers.customer_id,
        customers.segment,
        customers.time_zone,
    from {{ ref('holdfast', 'holdfast__timing_customers') }} as customers
    inner join sampled on sampled.customer_id = customers.customer_id
    cross join moments

),

hours as (

    select hours.*
    from {{ ref('holdfast', 'holdfast__activity_hours') }} as hours
    inner join sampled on sampled.customer_id = hours.customer_id

),

activity as (

    {{ holdfast.timing_activity('hour', 'hours') | indent(4) }}

    union all

    {{ holdfast.timing_activity('weekday', 'hours') | indent(4) }}

),

settings as (

    {{ holdfast.timing_choices('moments', 'activity') | indent(4) }}

),

evidence as (

    select
        settings.settled_at,
        settings.unit,
        activity.customer_id,
        activity.slot,
        {{ holdfast.timing_weight(
            'settings.order_weight', 'settings.click_weight', 'settings.half_life_days', 'settings.settled_at'
        ) }} as weight,
    from activity
    inner join settings on settings.unit = activity.unit
    where
        activity.happened_at < settings.settled_at
        and activity.known_at < settings.settled_at

),

own_counts as (

    select
        settled_at,
        unit,
        customer_id,
        slot,
        count(*) as hours,
    from evidence
    group by settled_at, unit, customer_id, slot

),

later as (

    select
        moments.settled_at,
        activity.unit,
        activity.customer_id,
        activity.slot,
        count(*) as hours,
    from activity
    cross join moments
    where
        activity.happened_at >= moments.settled_at
        and activity.happened_at < moments.settled_at + interval {{ days }} day
    group by moments.settled_at, activity.unit, activity.customer_id, activity.slot

),

{% for unit in units -%}
{{ unit }}_settings as (

    select * from settings
    where unit = {{ holdfast.text(unit) }}

),

{{ unit }}_evidence as (

    select * from evidence
    where unit = {{ holdfast.text(unit) }}

),

{{ unit }}_shares as (

    {{ holdfast.timing_shares(unit, unit ~ '_evidence', 'customers', unit ~ '_settings') | indent(4) }}

),

{{ unit }}_told as (

    select
        later.settled_at,
        later.unit,
        later.customer_id,
        later.slot,
        later.hours,
        shares.evidence_count,
        {{ holdfast.timing_slot(unit, 'shares.share_', 'later.slot') }} as share_dirichlet,
        {{ holdfast.timing_slot(unit, 'shares.everyone_', 'later.slot') }} as share_everyone,
        (coalesce(own_counts.hours, 0) + 1)
        / cast(shares.evidence_count + {{ holdfast.timing_slots(unit) | length }} as double) as share_own_counts,
    from later
    inner join {{ unit }}_shares as shares
        on shares.settled_at = later.settled_at
        and shares.customer_id = later.customer_id
    left join own_counts
        on own_counts.settled_at = later.settled_at
        and own_counts.unit = later.unit
        and own_counts.customer_id = later.customer_id
        and own_counts.slot = later.slot
    where later.unit = {{ holdfast.text(unit) }}

),

{% endfor -%}
told as (

    {% for unit in units -%}
    select * from {{ unit }}_told
    {%- if not loop.last %}

    union all

    {% endif -%}
    {% endfor %}

),

-- a customer is one observation, for the hours of a customer are alike
losses as (

    select
        settled_at,
        unit,
        customer_id,
        case
            when evidence_count = 0 then 'evidence: none'
            when evidence_count < 5 then 'evidence: 1 to 4'
            when evidence_count < 20 then 'evidence: 5 to 19'
            else 'evidence: 20 or more'
        end as segment,
        sum(hours) as hours,
        {%- for algorithm in algorithms %}
        -sum(cast(hours * ln(share_{{ algorithm }}) as decimal(18, 9))) as loss_{{ algorithm }},
        {%- endfor %}
    from told
    group by
        settled_at,
        unit,
        customer_id,
        case
            when evidence_count = 0 then 'evidence: none'
            when evidence_count < 5 then 'evidence: 1 to 4'
            when evidence_count < 20 then 'evidence: 5 to 19'
            else 'evidence: 20 or more'
        end

),

splits as (
    {%- for of_one_date, of_one_segment in [
        ('true', 'true'), ('true', 'false'), ('false', 'true'), ('false', 'false'),
    ] %}

    select
        {{ of_one_date }} as of_one_date,
        {{ of_one_segment }} as of_one_segment
    {{- '' if loop.last else '\n\n    union all' }}
    {%- endfor %}

),

-- by date and for all dates together, of everybody and by evidence
levels as (

    select
        case when splits.of_one_date then losses.settled_at end as settled_at,
        case when splits.of_one_segment then losses.segment end as segment,
        losses.unit,
        losses.customer_id,
        sum(losses.hours) as hours,
        {%- for algorithm in algorithms %}
        sum(losses.loss_{{ algorithm }}) as loss_{{ algorithm }},
        {%- endfor %}
    from losses
    cross join splits
    group by
        case when splits.of_one_date then losses.settled_at end,
        case when splits.of_one_segment then losses.segment end,
        losses.unit,
        losses.customer_id

),

measured as (

    {% for algorithm, stage in algorithms.items() -%}
    select
        settled_at,
        segment,
        unit,
        {{ holdfast.text(algorithm) }} as algorithm,
        {{ holdfast.text(stage) }} as stage,
        unit || '_log_loss' as metric,
        hours,
        loss_{{ algorithm }} as loss,
    from levels
    {%- if stage == 'baseline' %}

    union all

    -- customer by customer, which is surer than the difference of two intervals; above 0 the one in use is better
    select
        settled_at,
        segment,
        unit,
        {{ holdfast.text(algorithm) }} as algorithm,
        {{ holdfast.text(stage) }} as stage,
        unit || '_log_loss_above_in_use' as metric,
        hours,
        loss_{{ algorithm }} - loss_dirichlet as loss,
    from levels
    {%- endif %}
    {%- if not loop.last %}

    union all

    {% endif -%}
    {% endfor %}

),

means as (

    select
        settled_at,
        segment,
        algorithm,
        stage,
        metric,
        count(*) as customers,
        cast(sum(hours) as double) as hours,
        cast(sum(loss) as double) / cast(nullif(sum(hours), 0) as double) as value,
        cast(sum(cast(loss * loss as decimal(38, 9))) as double) as square_of_loss,
        cast(sum(cast(loss * hours as decimal(38, 9))) as double) as loss_by_hours,
        cast(sum(cast(hours * hours as decimal(38, 0))) as double) as square_of_hours,
    from measured
    group by settled_at, segment, algorithm, stage, metric

),

residuals as (

    select
        *,
        square_of_loss - 2e0 * value * loss_by_hours + value * value * square_of_hours as square_of_residuals,
    from means

),

log_losses as (

    select
        algorithm,
        stage,
        settled_at,
        segment,
        metric,
        value,
        case when customers > 1 then 1.96e0 * sqrt(greatest(square_of_residuals, 0e0)) end
        / cast(nullif(hours, 0e0) as double) as half_interval,
        hours as row_count,
    from residuals

),

recommended as (

    select
        settled_at,
        customer_id,
        {{ holdfast.timing_send_hour('best') }} as send_hour,
    from (
        select
            settled_at,
            customer_id,
            {{ holdfast.timing_peak('hour', 'share_') }} as best,
        from hour_shares
        where evidence_count > 0
    ) as hour_best

),

sent as (

    select
        sends.send_id,
        sends.customer_id,
        sends.campaign_id,
        sends.sent_at,
        date_trunc('hour', sends.sent_at) as utc_hour,
        sends.clicked_at,
        customers.settled_at,
        customers.time_zone,
    from {{ ref('holdfast', 'stg_holdfast__campaign_sends') }} as sends
    inner join customers
        on customers.customer_id = sends.customer_id
        and sends.sent_at >= customers.settled_at
        and sends.sent_at < customers.settled_at + interval {{ days }} day
    where
        not coalesce(sends.is_control, false)
        and sends.sent_at < {{ as_of }} - interval {{ answer_days }} day

),

-- an hour tells something only where the sends of a campaign went out at several, by chance or nearly so
campaign_hours as (

    select
        campaign_id,
        settled_at,
        utc_hour,
        count(*) as sends,
        sum(count(*)) over (partition by campaign_id, settled_at) as sends_of_campaign,
    from sent
    group by campaign_id, settled_at, utc_hour

),

spread as (

    select
        campaign_id,
        settled_at,
    from campaign_hours
    where sends >= 0.05e0 * sends_of_campaign
    group by campaign_id, settled_at
    having count(distinct extract(hour from utc_hour)) >= 3

),

send_clocks as (

    select
        time_zone,
        utc_hour,
        {{ holdfast.local_time('utc_hour', 'time_zone') }} as local_hour,
    from (
        select distinct
            time_zone,
            utc_hour,
        from sent
    ) as needed

),

placed as (

    select
        sent.send_id,
        sent.customer_id,
        sent.settled_at,
        sent.sent_at,
        recommended.send_hour,
        case when sent.clicked_at <= sent.sent_at + interval {{ answer_days }} day then 1e0 else 0e0 end as clicked,
        -- minutes from the recommended hour, round the clock
        (
            extract(hour from send_clocks.local_hour) * 60 + extract(minute from send_clocks.local_hour)
            + extract(minute from sent.sent_at) - 60 * recommended.send_hour + 2160
        ) % 1440 between 660 and 780 as is_at_hour,
    from sent
    inner join spread
        on spread.campaign_id = sent.campaign_id
        and spread.settled_at = sent.settled_at
    inner join send_clocks
        on send_clocks.time_zone = sent.time_zone
        and send_clocks.utc_hour = sent.utc_hour
    inner join recommended
        on recommended.settled_at = sent.settled_at
        and recommended.customer_id = sent.customer_id

),

ordered as (

    select
        placed.send_id,
        max(1e0) as ordered,
    from placed
    inner join {{ ref('holdfast', 'stg_holdfast__orders') }} as orders
        on orders.customer_id = placed.customer_id
        and orders.ordered_at >= placed.sent_at
        and orders.ordered_at < placed.sent_at + interval {{ answer_days }} day
    where orders.amount > 0
    group by placed.send_id

),

answers as (

    select
        placed.settled_at,
        placed.send_hour,
        placed.is_at_hour,
        'click' as answer,
        placed.clicked as answered,
    from placed

    union all

    select
        placed.settled_at,
        placed.send_hour,
        placed.is_at_hour,
        'order' as answer,
        coalesce(ordered.ordered, 0e0) as answered,
    from placed
    left join ordered on ordered.send_id = placed.send_id

),

-- compared only among sends with one recommended hour in one period: of those, chance alone made some match
strata as (

    select
        settled_at,
        send_hour,
        answer,
        cast(count(*) filter (where is_at_hour) as double) as sends_at,
        cast(count(*) filter (where not is_at_hour) as double) as sends_else,
        coalesce(cast(sum(cast(answered as bigint)) filter (where is_at_hour) as double), 0e0) as answers_at,
        coalesce(cast(sum(cast(answered as bigint)) filter (where not is_at_hour) as double), 0e0) as answers_else,
    from answers
    group by settled_at, send_hour, answer
    having count(*) filter (where is_at_hour) > 0 and count(*) filter (where not is_at_hour) > 0

),

strata_by_level as (

    select
        *,
        settled_at as level,
        sends_at * sends_else / cast(nullif(sends_at + sends_else, 0e0) as double) as weight,
    from strata

    union all

    select
        *,
        cast(null as timestamp) as level,
        sends_at * sends_else / cast(nullif(sends_at + sends_else, 0e0) as double) as weight,
    from strata

),

pooled as (

    select
        level,
        answer,
        sum(cast(weight as decimal(38, 9))) as weight,
        sum(cast(weight * answers_at / cast(nullif(sends_at, 0e0) as double) as decimal(38, 9))) as weighed_at,
        sum(cast(weight * answers_else / cast(nullif(sends_else, 0e0) as double) as decimal(38, 9))) as weighed_else,
        sum(cast(weight * weight / cast(nullif(sends_at, 0e0) as double) as decimal(38, 9))) as spread_at,
        sum(cast(weight * weight / cast(nullif(sends_else, 0e0) as double) as decimal(38, 9))) as spread_else,
        cast(sum(cast(sends_at as bigint)) as double) as sends_at,
        cast(sum(cast(sends_else as bigint)) as double) as sends_else,
    from strata_by_level
    group by level, answer

),

rates as (

    select
        level,
        answer,
        sends_at,
        sends_else,
        cast(weighed_at as double) / cast(nullif(cast(weight as double), 0e0) as double) as rate_at,
        cast(weighed_else as double) / cast(nullif(cast(weight as double), 0e0) as double) as rate_else,
        cast(spread_at as double)
        / cast(nullif(cast(weight as double) * cast(weight as double), 0e0) as double) as spread_at,
        cast(spread_else as double)
        / cast(nullif(cast(weight as double) * cast(weight as double), 0e0) as double) as spread_else,
    from pooled

),

lifts as (

    select
        'dirichlet' as algorithm,
        'in_use' as stage,
        level as settled_at,
        'send: recommended hour' as segment,
        answer || '_rate' as metric,
        rate_at as value,
        1.96e0 * sqrt(rate_at * (1e0 - rate_at) * spread_at) as half_interval,
        sends_at as row_count,
    from rates

    union all

    select
        'dirichlet' as algorithm,
        'in_use' as stage,
        level as settled_at,
        'send: other hour' as segment,
        answer || '_rate' as metric,
        rate_else as value,
        1.96e0 * sqrt(rate_else * (1e0 - rate_else) * spread_else) as half_interval,
        sends_else as row_count,
    from rates

    union all

    select
        'dirichlet' as algorithm,
        'in_use' as stage,
        level as settled_at,
        cast(null as varchar) as segment,
        answer || '_lift' as metric,
        rate_at - rate_else as value,
        1.96e0 * sqrt(
            rate_at * (1e0 - rate_at) * spread_at + rate_else * (1e0 - rate_else) * spread_else
        ) as half_interval,
        sends_at + sends_else as row_count,
    from rates

),

final as (

    select
        'contact_timing' as task,
        algorithm,
        stage,
        'test' as split,
        settled_at as as_of,
        segment,
        metric,
        value,
        value - half_interval as lower,
        value + half_interval as upper,
        cast(row_count as bigint) as row_count,
    from (
        select * from log_losses

        union all

        select * from lifts
    ) as evaluations

)

select
    cast(task as varchar) as task,
    cast(algorithm as varchar) as algorithm,
    cast(stage as varchar) as stage,
    cast(split as varchar) as split,
    as_of,
    cast(segment as varchar) as segment,
    cast(metric as varchar) as metric,
    value,
    lower,
    upper,
    row_count,
from final
