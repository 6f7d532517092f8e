-- the state that every customer was in, from when to when, by what was known at the time
{% set horizon_days = holdfast.setting('churn_horizon_days') -%}
{% set allowed_gap_days = holdfast.setting('allowed_gap_days') -%}
{% set slipping_after = holdfast.setting('slipping_after') -%}
{% set as_of = 'cast(' ~ holdfast.as_of_date() ~ ' as timestamp)' -%}
{#- the shop's typical gap counts as three gaps; of fewer than thirty there is none, but a quarter of the horizon -#}
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
        coalesce(cast(sum(gap_days) over (
            partition by customer_id order by day asc nulls last rows between unbounded preceding and current row
        ) as bigint), 0) as gap_sum,
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

    select distinct month from gaps

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

-- of every purchase, the usual gap that was known with it, and the one that was known with the purchase before
usual as (

    select
        rhythms.*,
        {%- for before, gap_sum, gap_count in [
            ('', 'rhythms.gap_sum', 'rhythms.gap_count'),
            (
                'previous_',
                '(rhythms.gap_sum - coalesce(rhythms.gap_days, 0))',
                '(rhythms.gap_count - case when rhythms.gap_days is null then 0 else 1 end)',
            ),
        ] %}
        ({{ shop_weight }} * coalesce({{ before }}shop.shop_gap_days, {{ horizon_days }} / 4e0) + {{ gap_sum }})
        / cast({{ shop_weight }} + {{ gap_count }} as double) as {{ before }}usual_gap_days,
        {%- endfor %}
    from rhythms
    left join shop_rhythms as shop on shop.month = rhythms.month
    left join shop_rhythms as previous_shop
        on previous_shop.month = cast(date_trunc('month', rhythms.previous_day) as date)

),

-- whole days of silence, the first number of them that is longer than the rhythm explains
thresholds as (

    select
        *,
        {%- for before in ['', 'previous_'] %}
        case
            when {{ slipping_after }}e0 * {{ before }}usual_gap_days < {{ horizon_days - 1 }}
                then cast(floor({{ slipping_after }}e0 * {{ before }}usual_gap_days) as integer) + 1
        end as {{ before }}slips_after_days,
        {%- endfor %}
    from usual

),

-- a purchase begins a state unless the rhythm goes on
dated as (

    select
        thresholds.customer_id,
        thresholds.first_at,
        thresholds.last_at,
        thresholds.usual_gap_days,
        case thresholds.day_number when 1 then 'new' else 'on_rhythm' end as state,
        {{ holdfast.plus_days('thresholds.last_at', 'thresholds.slips_after_days') }} as slips_at,
        thresholds.last_at + interval {{ horizon_days }} day as lapses_at,
        least(thresholds.next_at, known.known_until) as silent_until,
        thresholds.next_at is null as is_newest,
        thresholds.day_number <= 2
        or coalesce(
            {{ holdfast.plus_days('thresholds.previous_at', 'thresholds.previous_slips_after_days') }},
            thresholds.previous_at + interval {{ horizon_days }} day
        ) <= least(thresholds.first_at, known.known_until) as begins_state,
    from thresholds
    cross join known

),

steps as (

    select {{ holdfast.whole_numbers(3) }} as step

),

-- what a purchase brings about: slipping, lapse, the state that it begins; the newest one also ends what is known
bought as (

    select
        dated.customer_id,
        steps.step,
        case steps.step when 0 then dated.slips_at when 1 then dated.lapses_at else dated.first_at end as entered_at,
        case steps.step when 0 then 'slipping' when 1 then 'lapsed' when 2 then dated.state end as state,
        dated.last_at,
        dated.usual_gap_days,
    from dated
    cross join steps
    where
        case steps.step
            when 0 then dated.slips_at <= dated.silent_until
            when 1 then dated.lapses_at <= dated.silent_until
            when 2 then dated.begins_state
            else dated.is_newest
        end

),

memberships as (

    {{ holdfast.memberships(allowed_gap_days, as_of=as_of) | indent(4) }}

),

-- a day without a subscription, and the whole allowed gap: billed by calendar month, the next one may begin a moment
-- or a day after the last
covered as (

    select
        *,
        lead(started_at) over subscriptions as next_started_at,
        lag(covered_until) over subscriptions as previous_covered_until,
    from (
        select
            customer_id,
            started_at,
            ended_at,
            max(ended_at) over (
                partition by customer_id
                order by started_at asc nulls last, ended_at asc nulls last
                rows between unbounded preceding and current row
            ) as covered_until,
        from memberships
    ) as memberships
    window subscriptions as (
        partition by customer_id order by started_at asc nulls last, ended_at asc nulls last
    )

),

{% set gone_after_days = [allowed_gap_days, 1] | min -%}
-- billed by terms, most ends are followed by the next term: one that lies ahead is no cancellation
terms as (

    select
        count(*) as ended,
        count(*) filter (where next_started_at <= ended_at + interval {{ allowed_gap_days }} day) as renewed,
    from covered
    where ended_at < timestamp '9999-01-01'

),

-- ends in the future: nobody says since when they are known, so they are known at the as-of date, and not before
ending as (

    select
        memberships.customer_id,
        max(memberships.ended_at) as ended_at,
    from memberships
    cross join terms
    left join {{ ref('holdfast', 'stg_holdfast__subscriptions') }} as endless
        on endless.customer_id = memberships.customer_id
        and endless.started_at < {{ as_of }}
        and endless.ended_at is null
    where
        endless.customer_id is null
        and 2 * terms.renewed <= terms.ended
    group by memberships.customer_id
    having max(memberships.ended_at) = timestamp '9999-01-01'

),

subscribed as (

    select
        covered.customer_id,
        2 as step,
        covered.started_at as entered_at,
        'running' as state,
    from covered
    cross join known
    where
        covered.previous_covered_until is null
        or covered.previous_covered_until + interval {{ gone_after_days }} day
        <= least(covered.started_at, known.known_until)
    {%- if gone_after_days < allowed_gap_days %}

    union all

    select
        covered.customer_id,
        0 as step,
        covered.covered_until + interval {{ gone_after_days }} day as entered_at,
        'cancelled_running_out' as state,
    from covered
    cross join known
    where
        covered.covered_until + interval {{ gone_after_days }} day
        <= least(covered.next_started_at, known.known_until)
    {%- endif %}

    union all

    select
        covered.customer_id,
        1 as step,
        covered.covered_until + interval {{ allowed_gap_days }} day as entered_at,
        'lapsed' as state,
    from covered
    cross join known
    where
        covered.covered_until + interval {{ allowed_gap_days }} day
        <= least(covered.next_started_at, known.known_until)

    union all

    select
        customer_id,
        3 as step,
        {{ as_of }} as entered_at,
        'cancelled_running_out' as state,
    from ending

),

began as (

    select
        'non_contractual' as churn_definition,
        customer_id,
        first_at as began_at,
    from gaps
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

moments as (

    select
        'non_contractual' as churn_definition,
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
        -1 as step,
        entered_at,
        'never_ordered' as state,
        cast(null as timestamp) as last_at,
        cast(null as double) as usual_gap_days,
    from waiting

),

-- what ends a rhythm, or the newest purchase, knows the last purchase of it
ranged as (

    select
        churn_definition,
        customer_id,
        state,
        entered_at,
        case when lead(state) over states is not null then lead(entered_at) over states end as left_at,
        lead(state) over states as next_state,
        case state when 'on_rhythm' then lead(last_at) over states else last_at end as last_at,
        case state when 'on_rhythm' then lead(usual_gap_days) over states else usual_gap_days end as usual_gap_days,
    from moments
    window states as (
        partition by churn_definition, customer_id
        order by
            case when state is null then 1 else 0 end asc nulls last,
            entered_at asc nulls last,
            step asc nulls last
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
    where state is not null

)

select * from final
