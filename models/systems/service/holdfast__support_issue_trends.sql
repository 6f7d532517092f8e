{{ config(enabled=holdfast.has_system('service')) }}
-- how many texts each topic had week by week, and whether that is more than chance explains
{% set as_of = 'cast(' ~ holdfast.as_of_date() ~ ' as timestamp)' -%}
{% set this_week = "date_trunc('week', " ~ as_of ~ ')' -%}
{% set last_days = holdfast.plus_days(as_of, -7) -%}
{% set tells_resolved = holdfast.told_by('support_tickets', 'resolved_at', 'true', 'boolean') -%}
{% set least = holdfast.setting('least_group') -%}
{#- weeks that are told, and weeks before each that say what is usual -#}
{% set told_weeks = 104 -%}
{% set usual_weeks = 26 -%}
{% set least_weeks = 6 -%}
{#- the largest number of texts, and of customers, that is never an unusual rise -#}
{% set least_bound = 4 -%}
{% set few_writers = 2 -%}
with

texts as (

    select
        topic_id,
        text_id,
        source,
        customer_id,
        written_at,
        cast(date_trunc('week', written_at) as date) as week,
        -- comments come when the shop asks for them: a survey is no rise of anything
        {{ "source = 'ticket'" if holdfast.has_input('support_tickets') else 'true' }} as is_judged,
    from {{ ref('holdfast', 'holdfast__support_issue_texts') }}
    where written_at < {{ as_of }}

),

tickets as (

    select
        cast(ticket_id as varchar) as ticket_key,
        opened_at,
        case when resolved_at < {{ as_of }} then greatest(resolved_at, opened_at) end as resolved_at,
        case
            when
                csat between 1e0 and 5e0
                -- a rating is known once the ticket is resolved, where that is noted down
                and (resolved_at < {{ as_of }} or {{ tells_resolved }} is null)
                then csat
        end as csat,
    from {{ ref('holdfast', 'stg_holdfast__support_tickets') }}
    where opened_at < {{ as_of }}

),

first_texts as (

    select
        topic_id,
        min(written_at) as first_seen_at,
    from texts
    group by topic_id

),

-- the running week is there once a day of it is over
calendar as (

    select
        cast({{ holdfast.plus_days(this_week, '-7 * steps.number') }} as date) as week,
        steps.number > 0 as is_complete,
        {{ holdfast.plus_days(this_week, '-7 * steps.number') }} as begins_at,
    from (select {{ holdfast.whole_numbers(told_weeks + usual_weeks) }} as number) as steps
    where
        {{ holdfast.plus_days(this_week, '-7 * steps.number') }} < {{ as_of }}
        and {{ holdfast.plus_days(this_week, '-7 * steps.number') }} >= (
            select date_trunc('week', min(written_at)) from texts
        )

),

counted as (

    select
        topic_id,
        week,
        count(*) as texts,
        count(distinct customer_id) as customers,
        count(case when is_judged then 1 end) as judged_texts,
        count(distinct case when is_judged then customer_id end) as judged_customers,
    from texts
    group by topic_id, week

),

-- the seven days before the as-of date stand for the week that is not over
latest as (

    select
        topic_id,
        count(*) as judged_texts,
        count(distinct customer_id) as judged_customers,
    from texts
    where
        written_at >= {{ last_days }}
        and is_judged
    group by topic_id

),

grid as (

    select
        first_texts.topic_id,
        first_texts.first_seen_at,
        calendar.week,
        calendar.begins_at,
        calendar.is_complete,
        coalesce(counted.texts, 0) as texts,
        coalesce(counted.customers, 0) as customers,
        {%- for count in ['judged_texts', 'judged_customers'] %}
        coalesce(case when calendar.is_complete then counted.{{ count }} else latest.{{ count }} end, 0) as {{ count }},
        {%- endfor %}
        -- weeks before this one say what is usual: none that shares a day with what is compared
        case
            when calendar.is_complete then calendar.begins_at
            else date_trunc('week', {{ last_days }})
        end as usual_before,
    from first_texts
    cross join calendar
    left join counted
        on counted.topic_id = first_texts.topic_id
        and counted.week = calendar.week
    left join latest on latest.topic_id = first_texts.topic_id

),

earlier as (

    select
        grid.topic_id,
        grid.week,
        former.judged_texts as texts,
    from grid
    inner join grid as former
        on former.topic_id = grid.topic_id
        and former.is_complete
        and former.begins_at < grid.usual_before
        and former.begins_at >= {{ holdfast.plus_days('grid.usual_before', -7 * usual_weeks) }}

),

middles as (

    select
        topic_id,
        week,
        quantile_disc(texts, 0.5) as median_texts,
    from earlier
    group by topic_id, week

),

spreads as (

    select
        earlier.topic_id,
        earlier.week,
        middles.median_texts,
        quantile_disc(abs(earlier.texts - middles.median_texts), 0.5) as median_distance,
    from earlier
    inner join middles
        on middles.topic_id = earlier.topic_id
        and middles.week = earlier.week
    group by earlier.topic_id, earlier.week, middles.median_texts

),

-- a former wave must not hide the next: a week far above the others counts as the most that is not far
capped as (

    select
        earlier.topic_id,
        earlier.week,
        least(
            earlier.texts,
            cast(floor(
                spreads.median_texts
                + greatest(6e0 * spreads.median_distance, 4e0 * sqrt(cast(spreads.median_texts as double)) + 5e0)
            ) as bigint)
        ) as texts,
    from earlier
    inner join spreads
        on spreads.topic_id = earlier.topic_id
        and spreads.week = earlier.week

),

usual as (

    select
        topic_id,
        week,
        cast(count(*) as double) as weeks,
        cast(sum(texts) as double) as total,
        cast(sum(texts * texts) as double) as squares,
    from capped
    group by topic_id, week

),

expected as (

    select
        *,
        (total + 0.5e0) / cast(weeks as double) as expected_texts,
        (squares - total * total / cast(weeks as double)) / cast(nullif(weeks - 1e0, 0) as double) as variance,
    from usual
    where weeks >= {{ least_weeks }}

),

-- counts vary as Poisson's, or more, by what the weeks before show; the bound is Farrington's (1996), for one in 1,000
bounded as (

    select
        topic_id,
        week,
        expected_texts,
        greatest(
            {{ least_bound }},
            floor(expected_texts * power(
                1e0 + 2e0 / 3e0 * 3.09e0 * sqrt(
                    greatest(expected_texts, variance) * (1e0 + 1e0 / cast(weeks as double))
                ) / cast(expected_texts as double),
                1.5e0
            ))
        ) as upper_bound,
    from expected

),

served as (

    select
        texts.topic_id,
        texts.week,
        count(distinct texts.customer_id) as ticket_customers,
        count(distinct case when tickets.csat is not null then texts.customer_id end) as rating_customers,
        count(tickets.csat) as ratings,
        count(case when tickets.csat >= 4e0 then 1 end) as satisfied,
        quantile_disc(
            coalesce(date_sub('second', tickets.opened_at, tickets.resolved_at) / 3600e0, 1e15), 0.5
        ) as median_hours,
    from texts
    inner join tickets on tickets.ticket_key = texts.text_id
    where texts.source = 'ticket'
    group by texts.topic_id, texts.week

),

final as (

    select
        {{ holdfast.as_of_date() }} as as_of_date,
        cast(grid.topic_id as varchar) as topic_id,
        cast(coalesce(issues.topic, grid.topic_id) as varchar) as topic,
        grid.week,
        grid.is_complete,
        cast(case
            when bounded.upper_bound is null then 'too_few_weeks'
            when grid.first_seen_at >= grid.usual_before then 'new'
            else 'measured'
        end as varchar) as status,
        cast(grid.texts as bigint) as texts,
        grid.texts / cast(nullif(sum(grid.texts) over (partition by grid.week), 0) as double) as share,
        cast(grid.customers as bigint) as customers,
        case
            when served.ticket_customers >= {{ least }} and served.median_hours < 1e14
                then round(served.median_hours, 2)
        end as median_hours_to_resolve,
        case
            when served.rating_customers >= {{ least }}
                then round(served.satisfied / cast(nullif(served.ratings, 0) as double), 6)
        end as csat,
        cast(grid.judged_texts as bigint) as judged_texts,
        round(bounded.expected_texts, 3) as expected_texts,
        cast(bounded.upper_bound as bigint) as upper_bound,
        case
            when bounded.upper_bound is not null
                then grid.judged_texts > bounded.upper_bound and grid.judged_customers > {{ few_writers }}
        end as is_unusual,
        grid.first_seen_at,
    from grid
    left join bounded
        on bounded.topic_id = grid.topic_id
        and bounded.week = grid.week
    left join served
        on served.topic_id = grid.topic_id
        and served.week = grid.week
    left join {{ ref('holdfast', 'holdfast__support_issues') }} as issues on issues.topic_id = grid.topic_id
    where grid.begins_at >= {{ holdfast.plus_days(this_week, -7 * told_weeks) }}

)

select * from final
