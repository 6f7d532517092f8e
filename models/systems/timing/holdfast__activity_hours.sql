-- when customers were active by their own clocks: an hour of a day counts once, however much happened in it
{{ config(enabled=holdfast.has_system('timing')) }}

{% set as_of = 'cast(' ~ holdfast.as_of_date() ~ ' as timestamp)' -%}
{#- habits of longer ago say little; two years hold every season twice -#}
{% set kept_days = 730 -%}
{#- a kind of which nearly all rows carry one of two times of day (summer and winter) has dates, not times -#}
{% set least_rows = 30 -%}
with

events as (

    select
        customer_id,
        ordered_at as happened_at,
        coalesce(loaded_at, ordered_at) as loaded_at,
        'order' as kind,
    from {{ ref('holdfast', 'stg_holdfast__orders') }}
    where amount > 0

    union all

    select
        customer_id,
        occurred_at as happened_at,
        coalesce(loaded_at, occurred_at) as loaded_at,
        'visit' as kind,
    from {{ ref('holdfast', 'stg_holdfast__web_events') }}

    union all

    select
        customer_id,
        clicked_at as happened_at,
        clicked_at as loaded_at,
        'click' as kind,
    from {{ ref('holdfast', 'stg_holdfast__campaign_sends') }}
    {%- if holdfast.setting('timing_uses_opens') %}

    union all

    select
        customer_id,
        opened_at as happened_at,
        opened_at as loaded_at,
        'open' as kind,
    from {{ ref('holdfast', 'stg_holdfast__campaign_sends') }}
    {%- endif %}

),

known as (

    select
        customer_id,
        happened_at,
        date_trunc('hour', happened_at) as utc_hour,
        greatest(happened_at, loaded_at) as known_at,
        kind,
        happened_at = date_trunc('day', happened_at) as is_midnight,
    from events
    where
        customer_id is not null
        and happened_at < {{ as_of }}
        and happened_at >= {{ as_of }} - interval {{ kept_days }} day
        and loaded_at < {{ as_of }}

),

clocks as (

    select
        kind,
        extract(hour from happened_at) * 60 + extract(minute from happened_at) as minute_of_day,
        count(*) as row_count,
    from known
    group by kind, extract(hour from happened_at) * 60 + extract(minute from happened_at)

),

ranked_clocks as (

    select
        *,
        row_number() over (partition by kind order by row_count desc nulls last, minute_of_day asc nulls last) as rank,
    from clocks

),

kinds as (

    select
        kind,
        sum(row_count) < {{ least_rows }}
        or sum(row_count) filter (where rank <= 2) < 0.9e0 * sum(row_count) as has_hours,
    from ranked_clocks
    group by kind

),

-- midnight to the microsecond is a date without a time
hours as (

    select
        known.customer_id,
        known.utc_hour,
        kinds.has_hours and not known.is_midnight as has_hour,
        min(known.happened_at) as happened_at,
        min(known.known_at) as known_at,
        max(case when known.kind = 'order' then 1 else 0 end) = 1 as has_order,
        max(case when known.kind = 'visit' then 1 else 0 end) = 1 as has_visit,
    from known
    inner join kinds on kinds.kind = known.kind
    group by known.customer_id, known.utc_hour, kinds.has_hours and not known.is_midnight

),

placed as (

    select
        hours.*,
        customers.time_zone,
    from hours
    inner join {{ ref('holdfast', 'holdfast__timing_customers') }} as customers
        on customers.customer_id = hours.customer_id

),

-- each clock is asked once for an hour, not for every row: that would take minutes for a large shop
local_hours as (

    select
        time_zone,
        utc_hour,
        {{ holdfast.local_time('utc_hour', 'time_zone') }} as local_hour,
    from (
        select distinct
            time_zone,
            utc_hour,
        from placed
    ) as needed

),

local as (

    select
        placed.*,
        case
            when placed.has_hour then local_hours.local_hour + (placed.happened_at - placed.utc_hour)
            -- a date is a date in every time zone; of a converted one, the midnight lies some hours off
            else placed.happened_at + interval 11 hour
        end as local_at,
    from placed
    inner join local_hours
        on local_hours.time_zone = placed.time_zone
        and local_hours.utc_hour = placed.utc_hour

),

final as (

    select
        customer_id,
        happened_at,
        known_at,
        cast(local_at as date) as local_date,
        -- 1900 began on a Monday
        cast(
            {{ holdfast.days_between("timestamp '1900-01-01'", "date_trunc('day', local_at)") }} % 7 + 1 as integer
        ) as weekday,
        case when has_hour then cast(extract(hour from local_at) as integer) end as hour,
        has_order,
        has_visit,
    from local

)

select * from final
