-- the state that every customer was in, from when to when, by what was known at the time
{% set horizon_days = holdfast.setting('churn_horizon_days') -%}
{% set allowed_gap_days = holdfast.setting('allowed_gap_days') -%}
{% set slipping_after = holdfast.setting('slipping_after') -%}
{% set as_of = 'cast(' ~ holdfast.as_of_date() ~ ' as timestamp)' -%}
{#- the shop's typical gap counts as three gaps of the customer, and is known from thirty gaps on -#}
{% set shop_weight = 3 -%}
{% set least_gaps = 30 -%}
with

known as (

    select {{ holdfast.known_until() }} as known_until,

),

registered as (

    select
        customer_id,
        min(created_at) as created_at,
    from {{ ref('holdfast', 'stg_holdfast__customers') }}
    where created_at < {{ as_of }}
    group by customer_id

),

-- purchases of one day are one, or split orders would make a rhythm
days as (

    select
        customer_id,
        cast(ordered_at as date) as day,
        min(ordered_at) as first_at,
        max(ordered_at) as last_at,
    from {{ ref('holdfast', 'stg_holdfast__orders') }}
    where
        amount > 0
        and ordered_at < {{ as_of }}
        and customer_id is not null
    group by customer_id, cast(ordered_at as date)

),

followed as (

    select
        *,
        cast(date_trunc('month', day) as date) as month,
        row_number() over (partition by customer_id order by day asc nulls last) as day_number,
        lag(day) over (partition by customer_id order by day asc nulls last) as previous_day,
        lag(last_at) over (partition by customer_id order by day asc nulls last) as previous_at,
        lead(first_at) over (partition by customer_id order by day asc nulls last) as next_at,
    from days

),

-- a silence as long as the horizon is no part of a rhythm: the customer was lost, and came back
gaps as (

    select
        *,
        case
            when first_at < previous_at + interval {{ horizon_days }} day
                then {{ holdfast.days_between('previous_day', 'day') }}
        end as gap_days,
    from followed

),

rhythms as (

    select
        *,
        count(gap_days) over (
            partition by customer_id order by day asc nulls last rows between unbounded preceding and current row
        ) as gap_count,
        coalesce(sum(gap_days) over (
            partition by customer_id order by day asc nulls last rows between unbounded preceding and current row
        ), 0) as gap_sum,
    from gaps

),

-- gaps count for the shop once the horizon has passed since they began: before that only the short ones are over
shop_gaps as (

    select
        cast(date_trunc('month', previous_day + interval {{ horizon_days - 1 }} day) as date) as settled_month,
        gap_days,
        count(*) as gaps,
    from gaps
    where gap_days is not null
    group by cast(date_trunc('month', previous_day + interval {{ horizon_days - 1 }} day) as date), gap_days

),

months as (

    select distinct month from followed

),

shop_counts as (

    select
        months.month,
        shop_gaps.gap_days,
        sum(shop_gaps.gaps) as gaps,
    from months
    inner join shop_gaps on shop_gaps.settled_month < months.month
    group by months.month, shop_gaps.gap_days

),

shop_shares as (

    select
        month,
        gap_days,
        sum(gaps) over (
            partition by month order by gap_days asc nulls last rows between unbounded preceding and current row
        ) as gaps_so_far,
        sum(gaps) over (partition by month) as gaps_of_all,
    from shop_counts

),

-- the median, as it was known when the month began
shop_rhythms as (

    select
        month,
        min(gap_days) as shop_gap_days,
    from shop_shares
    where
        2 * gaps_so_far >= gaps_of_all
        and gaps_of_all >= {{ least_gaps }}
    group by month

),

usual as (

    select
        rhythms.customer_id,
        rhythms.day_number,
        rhythms.first_at,
        rhythms.last_at,
        rhythms.next_at,
        case
            when shop_rhythms.shop_gap_days is not null
                then
                    ({{ shop_weight }} * shop_rhythms.shop_gap_days + rhythms.gap_sum)
                    / cast({{ shop_weight }} + rhythms.gap_count as double)
            when rhythms.gap_count >= {{ shop_weight }}
                then rhythms.gap_sum / cast(rhythms.gap_count as double)
        end as usual_gap_days,
    from rhythms
    left join shop_rhythms on shop_rhythms.month = rhythms.month

),

-- whole days of silence, the first number of them that is longer than the rhythm explains
thresholds as (

    select
        *,
        case
            when {{ slipping_after }}e0 * usual_gap_days < {{ horizon_days - 1 }}
                then cast(floor({{ slipping_after }}e0 * usual_gap_days) as integer) + 1
        end as slips_after_days,
    from usual

),

steps as (

    select 1 as step

    union all

    select 2 as step

    union all

    select 3 as step

),

moments as (

    select
        thresholds.customer_id,
        steps.step,
        case steps.step
            when 1 then {{ holdfast.plus_days('thresholds.last_at', 'thresholds.slips_after_days') }}
            when 2 then thresholds.last_at + interval {{ horizon_days }} day
            else thresholds.first_at
        end as entered_at,
        case steps.step
            when 1 then 'slipping'
            when 2 then 'lapsed'
            else case thresholds.day_number when 1 then 'new' else 'on_rhythm' end
        end as state,
        thresholds.next_at,
        thresholds.last_at,
        thresholds.usual_gap_days,
    from thresholds
    cross join steps

),

bought as (

    select
        'non_contractual' as churn_definition,
        moments.customer_id,
        moments.step,
        moments.entered_at,
        moments.state,
        moments.last_at,
        moments.usual_gap_days,
    from moments
    cross join known
    where
        moments.step = 3
        or (
            moments.entered_at <= known.known_until
            and (moments.next_at is null or moments.entered_at <= moments.next_at)
        )

),

memberships as (

    {{ holdfast.memberships(allowed_gap_days, as_of=as_of) | indent(4) }}

),

covered as (

    select
        customer_id,
        started_at,
        max(ended_at) over (
            partition by customer_id
            order by started_at asc nulls last, ended_at asc nulls last
            rows between unbounded preceding and current row
        ) as covered_until,
        lead(started_at) over (
            partition by customer_id order by started_at asc nulls last, ended_at asc nulls last
        ) as next_started_at,
    from memberships

),

-- ends in the future: nobody says since when they are known, so they are known at the as-of date, and not before
ending as (

    select
        memberships.customer_id,
        max(memberships.ended_at) as ended_at,
    from memberships
    left join {{ ref('holdfast', 'stg_holdfast__subscriptions') }} as endless
        on endless.customer_id = memberships.customer_id
        and endless.started_at < {{ as_of }}
        and endless.ended_at is null
    where endless.customer_id is null
    group by memberships.customer_id
    having max(memberships.ended_at) = timestamp '9999-01-01'

),

subscribed as (

    select
        customer_id,
        3 as step,
        started_at as entered_at,
        'running' as state,
    from covered

    {%- if allowed_gap_days > 1 %}

    union all

    -- a day without one: billed by calendar month, the next may begin a moment or a day after the last
    select
        covered.customer_id,
        1 as step,
        covered.covered_until + interval 1 day as entered_at,
        'cancelled_running_out' as state,
    from covered
    cross join known
    where
        covered.covered_until < timestamp '9999-01-01'
        and covered.covered_until + interval 1 day <= known.known_until
        and (
            covered.next_started_at is null
            or covered.covered_until + interval 1 day <= covered.next_started_at
        )
    {%- endif %}

    union all

    select
        covered.customer_id,
        2 as step,
        covered.covered_until + interval {{ allowed_gap_days }} day as entered_at,
        'lapsed' as state,
    from covered
    cross join known
    where
        covered.covered_until < timestamp '9999-01-01'
        and covered.covered_until + interval {{ allowed_gap_days }} day <= known.known_until
        and (
            covered.next_started_at is null
            or covered.covered_until + interval {{ allowed_gap_days }} day <= covered.next_started_at
        )

    union all

    select
        customer_id,
        4 as step,
        {{ as_of }} as entered_at,
        'cancelled_running_out' as state,
    from ending

),

began as (

    select
        'non_contractual' as churn_definition,
        customer_id,
        first_at as began_at,
    from followed
    where day_number = 1

    union all

    select
        'contractual' as churn_definition,
        customer_id,
        min(started_at) as began_at,
    from memberships
    group by customer_id

),

definitions as (

    select 'non_contractual' as churn_definition

    union all

    select distinct 'contractual' as churn_definition from memberships

),

waiting as (

    select
        definitions.churn_definition,
        registered.customer_id,
        registered.created_at as entered_at,
    from registered
    cross join definitions
    left join began
        on began.customer_id = registered.customer_id
        and began.churn_definition = definitions.churn_definition
    where
        began.began_at is null
        or registered.created_at < began.began_at

),

all_moments as (

    select
        churn_definition,
        customer_id,
        step,
        entered_at,
        state,
        last_at,
        usual_gap_days,
    from bought

    union all

    select
        'contractual' as churn_definition,
        customer_id,
        step,
        entered_at,
        state,
        cast(null as timestamp) as last_at,
        cast(null as double) as usual_gap_days,
    from subscribed

    union all

    select
        churn_definition,
        customer_id,
        0 as step,
        entered_at,
        'never_ordered' as state,
        cast(null as timestamp) as last_at,
        cast(null as double) as usual_gap_days,
    from waiting

),

-- only the first and the last of moments that follow each other in one state matter
bounded as (

    select
        *,
        lag(state) over (
            partition by churn_definition, customer_id order by entered_at asc nulls last, step asc nulls last
        ) as previous_state,
        lead(state) over (
            partition by churn_definition, customer_id order by entered_at asc nulls last, step asc nulls last
        ) as following_state,
    from all_moments

),

marked as (

    select
        *,
        previous_state is null or previous_state <> state as is_first,
        following_state is null or following_state <> state as is_last,
    from bounded
    where
        previous_state is null
        or following_state is null
        or previous_state <> state
        or following_state <> state

),

-- the row after the first of a state is its last, unless it is both
ranged as (

    select
        churn_definition,
        customer_id,
        state,
        entered_at,
        is_first,
        case
            when is_last then lead(entered_at) over states
            else lead(entered_at, 2) over states
        end as left_at,
        case
            when is_last then following_state
            else lead(following_state) over states
        end as next_state,
        case when is_last then last_at else lead(last_at) over states end as last_at,
        case when is_last then usual_gap_days else lead(usual_gap_days) over states end as usual_gap_days,
    from marked
    window states as (
        partition by churn_definition, customer_id order by entered_at asc nulls last, step asc nulls last
    )

),

final as (

    select
        customer_id,
        cast(churn_definition as varchar) as churn_definition,
        cast(state as varchar) as state,
        state in ({{ holdfast.states_that(is_keepable=true) }}) as is_keepable,
        entered_at,
        left_at,
        cast(next_state as varchar) as next_state,
        cast({{ holdfast.days_between('entered_at', 'coalesce(left_at, ' ~ as_of ~ ')') }} as bigint) as days_in_state,
        case when state <> 'lapsed' then usual_gap_days end as usual_gap_days,
        case
            when left_at is null and state <> 'lapsed'
                then {{ holdfast.plus_days('last_at', 'cast(round(usual_gap_days) as integer)') }}
        end as expected_next_order_at,
    from ranged
    where is_first

)

select * from final
