-- when to talk to each customer: the weekday and the hour, from the customer's own activity and everyone's
{{ config(enabled=holdfast.has_system('timing')) }}

{% set as_of = 'cast(' ~ holdfast.as_of_date() ~ ' as timestamp)' -%}
{% set days = {1: 'Monday', 2: 'Tuesday', 3: 'Wednesday', 4: 'Thursday', 5: 'Friday', 6: 'Saturday', 7: 'Sunday'} -%}
{% set units = ['hour', 'weekday'] -%}
with

settings as (

    select
        unit,
        settled_at,
        kernel_width,
        concentration,
        order_weight,
        click_weight,
        half_life_days,
    from {{ ref('holdfast', 'holdfast__timing_settings') }}
    where settled_at = {{ as_of }}

),

customers as (

    select
        {{ as_of }} as settled_at,
        customer_id,
        segment,
        time_zone,
        time_zone_source,
    from {{ ref('holdfast', 'holdfast__timing_customers') }}

),

{% for unit in units -%}
{{ unit }}_settings as (

    select * from settings
    where unit = {{ holdfast.text(unit) }}

),

{{ unit }}_activity as (

    select
        settings.settled_at,
        activity.customer_id,
        activity.slot,
        {{ holdfast.timing_weight(
            'settings.order_weight', 'settings.click_weight', 'settings.half_life_days', 'settings.settled_at'
        ) }} as weight,
    from (
        {{ holdfast.timing_activity(unit, ref('holdfast', 'holdfast__activity_hours')) | indent(8) }}
    ) as activity
    cross join {{ unit }}_settings as settings

),

{{ unit }}_shares as (

    {{ holdfast.timing_shares(unit, unit ~ '_activity', 'customers', unit ~ '_settings') | indent(4) }}

),

{{ unit }}_best as (

    select
        *,
        {{ holdfast.timing_peak(unit, 'share_') }} as best,
        {{ holdfast.timing_peak(unit, 'prior_') }} as everyones_best,
    from {{ unit }}_shares

),

{% endfor -%}
-- whether anybody's hours are known at all
data as (

    select
        count(hour) > 0 as has_hours,
        count(*) > 0 as has_days,
    from {{ ref('holdfast', 'holdfast__activity_hours') }}

),

of_any as (

    select
        customers.customer_id,
        cast('any' as varchar) as channel,
        customers.time_zone,
        customers.time_zone_source,
        case when data.has_days then weekday_best.best end as weekday,
        weekday_best.evidence_count as day_count,
        case when data.has_hours then hour_best.best end as hour,
        case when data.has_hours then hour_best.everyones_best end as everyones_hour,
        hour_best.evidence_count,
        case
            when not data.has_days then 'no_activity'
            when not data.has_hours then 'no_hours_in_the_data'
            when hour_best.evidence_count > 0 and hour_best.weight >= hour_best.concentration then 'personal'
            when hour_best.evidence_count > 0 then 'shrunk'
            when hour_best.has_segment then 'segment'
            else 'everyone'
        end as status,
        (hour_best.weight + hour_best.concentration)
        * {{ holdfast.timing_apart(
            'hour_best.share_', 'hour_best.best', 'hour_best.everyones_best'
        ) }} as own_part,
        (hour_best.weight + hour_best.concentration)
        * {{ holdfast.timing_apart(
            'hour_best.share_', 'hour_best.everyones_best', 'hour_best.best'
        ) }} as everyones_part,
    from customers
    inner join hour_best on hour_best.customer_id = customers.customer_id
    inner join weekday_best on weekday_best.customer_id = customers.customer_id
    cross join data

),

-- a channel has few clicks of its own, which are shrunk to what the customer does otherwise
clicks as (

    select
        sends.customer_id,
        sends.channel,
        sends.clicked_at as happened_at,
        date_trunc('hour', sends.clicked_at) as utc_hour,
        customers.time_zone,
    from {{ ref('holdfast', 'stg_holdfast__campaign_sends') }} as sends
    inner join customers on customers.customer_id = sends.customer_id
    cross join data
    where
        sends.clicked_at < {{ as_of }}
        and sends.clicked_at >= {{ as_of }} - interval 730 day
        and sends.clicked_at <> date_trunc('day', sends.clicked_at)
        and sends.channel is not null
        and sends.channel <> 'any'
        and data.has_hours

),

click_clocks as (

    select
        time_zone,
        utc_hour,
        {{ holdfast.local_time('utc_hour', 'time_zone') }} as local_hour,
    from (
        select distinct
            time_zone,
            utc_hour,
        from clicks
    ) as needed

),

-- one for each hour of a day, as elsewhere
click_hours as (

    select
        clicks.customer_id,
        clicks.channel,
        cast(extract(hour from click_clocks.local_hour + (clicks.happened_at - clicks.utc_hour)) as integer) as slot,
        min(clicks.happened_at) as happened_at,
        false as has_order,
        true as has_visit,
    from clicks
    inner join click_clocks
        on click_clocks.time_zone = clicks.time_zone
        and click_clocks.utc_hour = clicks.utc_hour
    group by
        clicks.customer_id,
        clicks.channel,
        clicks.utc_hour,
        cast(extract(hour from click_clocks.local_hour + (clicks.happened_at - clicks.utc_hour)) as integer)

),

click_activity as (

    select
        click_hours.customer_id,
        click_hours.channel,
        click_hours.slot,
        {{ holdfast.timing_weight('1e0', '1e0', 'hour_settings.half_life_days', 'hour_settings.settled_at') }}
            as weight,
    from click_hours
    cross join hour_settings

),

click_weights as (

    {{ holdfast.timing_weights('hour', 'click_activity', ['customer_id', 'channel']) | indent(4) }}

),

kernels as (

    {{ holdfast.timing_kernels('hour', 'hour_settings') | indent(4) }}

),

channel_shares as (

    select
        click_weights.customer_id,
        click_weights.channel,
        click_weights.evidence_count,
        click_weights.weight,
        kernels.concentration,
        hour_best.everyones_best,
        {%- for slot in holdfast.timing_slots('hour') %}
        {{ holdfast.timing_mixed(
            'hour', slot, 'click_weights', 'kernels', 'hour_best.share_' ~ slot
        ) }} as share_{{ slot }},
        {%- endfor %}
    from click_weights
    inner join hour_best on hour_best.customer_id = click_weights.customer_id
    cross join kernels

),

channel_best as (

    select
        *,
        {{ holdfast.timing_peak('hour', 'share_') }} as best,
    from channel_shares

),

of_channels as (

    select
        channel_best.customer_id,
        channel_best.channel,
        of_any.time_zone,
        of_any.time_zone_source,
        of_any.weekday,
        of_any.day_count,
        channel_best.best as hour,
        channel_best.everyones_best as everyones_hour,
        channel_best.evidence_count,
        case when channel_best.weight >= channel_best.concentration then 'personal' else 'shrunk' end as status,
        (channel_best.weight + channel_best.concentration)
        * {{ holdfast.timing_apart(
            'channel_best.share_', 'channel_best.best', 'channel_best.everyones_best'
        ) }} as own_part,
        (channel_best.weight + channel_best.concentration)
        * {{ holdfast.timing_apart(
            'channel_best.share_', 'channel_best.everyones_best', 'channel_best.best'
        ) }} as everyones_part,
    from channel_best
    inner join of_any on of_any.customer_id = channel_best.customer_id

),

timings as (

    select * from of_any

    union all

    select * from of_channels

),

placed as (

    select
        *,
        {{ holdfast.timing_send_hour('hour') }} as send_hour,
        case status
            when 'no_activity' then 'nobody has been active yet'
            when 'no_hours_in_the_data' then 'the data have dates without times: no hours, only weekdays'
            when 'everyone' then 'no active hours known: everyone is most active around ' || hour || ':00'
            when 'segment' then 'no active hours known: the segment is most active around ' || hour || ':00'
            when 'personal'
                then
                    'most active around ' || hour || ':00, by their own activity (active hours: '
                    || evidence_count || ')'
            else
                'most active around ' || hour || ':00, but only ' || evidence_count
                || case evidence_count when 1 then ' active hour' else ' active hours' end
                || ' of their own, so mostly as '
                || case channel when 'any' then 'everyone is' else 'the customer is elsewhere' end
        end as told,
    from timings

),

-- the hours that follow, by every clock in use: a few, so that no row has to be converted
zones as (

    select
        time_zone,
        date_trunc('day', {{ holdfast.local_time(as_of, 'time_zone') }}) as today,
    from (select distinct time_zone from customers) as used

),

steps as (

    select {{ holdfast.whole_numbers(9 * 24 - 1) }} as step

),

ahead as (

    select
        zones.time_zone,
        {{ holdfast.plus_days('zones.today', 'cast(floor(steps.step / 24e0) as integer)') }} as local_day,
        steps.step % 24 as hour,
        zones.today,
        steps.step,
    from zones
    cross join steps

),

moments as (

    select
        *,
        {{ holdfast.utc_time('local_day + hour * interval 1 hour', 'time_zone') }} as moment,
        cast({{ holdfast.days_between("timestamp '1900-01-01'", 'local_day') }} % 7 + 1 as integer) as weekday,
    from ahead

),

next_by_weekday as (

    select
        time_zone,
        hour,
        weekday,
        min(moment) as next_at,
    from moments
    where moment > {{ as_of }}
    group by time_zone, hour, weekday

),

next_by_hour as (

    select
        time_zone,
        hour,
        min(next_at) as next_at,
    from next_by_weekday
    group by time_zone, hour

),

final as (

    select
        placed.customer_id,
        placed.channel,
        {{ holdfast.as_of_date() }} as as_of_date,
        cast(placed.status as varchar) as status,
        placed.status not in ('personal', 'shrunk') as is_fallback,
        cast(case placed.weekday
            {%- for number, name in days.items() %}
            when {{ number }} then {{ holdfast.text(name) }}
            {%- endfor %}
        end as varchar) as best_weekday,
        cast(placed.weekday as integer) as best_weekday_number,
        cast(placed.hour as integer) as best_hour,
        cast(placed.send_hour as integer) as send_at_hour,
        cast(extract(hour from best_times.next_at) as integer) as best_hour_utc,
        send_times.next_at as next_send_at,
        weekday_times.next_at as next_best_send_at,
        cast(placed.everyones_hour as integer) as everyones_hour,
        placed.evidence_count,
        placed.day_count,
        case
            when placed.evidence_count > 0 and placed.hour <> placed.everyones_hour
                then {{ holdfast.timing_larger('placed.own_part', 'placed.everyones_part') }}
        end as probability_beats_everyones,
        cast(placed.time_zone as varchar) as time_zone,
        cast(placed.time_zone_source as varchar) as time_zone_source,
        cast(
            placed.told
            || case
                when placed.send_hour <> placed.hour
                    then '; moved to ' || placed.send_hour || ':00, out of the quiet hours'
                else ''
            end
            || case
                when placed.time_zone_source = 'not_recognised'
                    then '; time zone not recognised, hours in ' || placed.time_zone
                else ''
            end as varchar
        ) as reason,
    from placed
    left join next_by_hour as best_times
        on best_times.time_zone = placed.time_zone
        and best_times.hour = placed.hour
    left join next_by_hour as send_times
        on send_times.time_zone = placed.time_zone
        and send_times.hour = placed.send_hour
    left join next_by_weekday as weekday_times
        on weekday_times.time_zone = placed.time_zone
        and weekday_times.hour = placed.send_hour
        and weekday_times.weekday = placed.weekday

)

select * from final
