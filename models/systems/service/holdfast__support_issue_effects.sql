{{ config(enabled=holdfast.has_system('service') and holdfast.has_input('support_tickets')) }}
-- what customers do after a ticket on a topic, beside similar customers without one; compared, and not caused
{% set as_of = 'cast(' ~ holdfast.as_of_date() ~ ' as timestamp)' -%}
{% set horizon = holdfast.setting('churn_horizon_days') -%}
{% set active_days = holdfast.setting('active_within_days') -%}
{% set definition = holdfast.text(holdfast.setting('churn_definition')) -%}
{#- a customer counts with one ticket in so many days, and a control has none in them -#}
{% set quiet_days = 90 -%}
{% set least_customers = [30, holdfast.setting('least_group')] | max -%}
{% set least_controls = 5 -%}
{% set sampled_customers = 50000 -%}
{% set exact = 'decimal(38, 9)' -%}
with

orders as (

    select
        customer_id,
        order_id,
        ordered_at,
        amount,
        case when amount > 0 then 1 else 0 end as is_purchase,
    from {{ holdfast.as_known_at(
        ref('holdfast', 'stg_holdfast__orders'), holdfast.event_times()['stg_holdfast__orders'], as_of
    ) }} as orders
    where customer_id is not null

),

-- what each customer had bought since when, until the next order
ledger as (

    select
        customer_id,
        ordered_at as from_at,
        coalesce(
            lead(ordered_at) over (
                partition by customer_id order by ordered_at asc nulls last, order_id asc nulls last
            ),
            timestamp '9999-12-31'
        ) as until_at,
        sum(amount) over (
            partition by customer_id
            order by ordered_at asc nulls last, order_id asc nulls last
            rows between unbounded preceding and current row
        ) as spent,
        sum(is_purchase) over (
            partition by customer_id
            order by ordered_at asc nulls last, order_id asc nulls last
            rows between unbounded preceding and current row
        ) as purchases,
        max(case when is_purchase = 1 then ordered_at end) over (
            partition by customer_id
            order by ordered_at asc nulls last, order_id asc nulls last
            rows between unbounded preceding and current row
        ) as last_purchase_at,
    from orders

),

tickets as (

    select
        texts.text_id,
        texts.customer_id,
        texts.written_at,
        case when texts.status = 'assigned' then texts.topic_id else 'other' end as topic_id,
        lag(texts.written_at) over (
            partition by texts.customer_id order by texts.written_at asc nulls last, texts.text_id asc nulls last
        ) as former_at,
    from {{ ref('holdfast', 'holdfast__support_issue_texts') }} as texts
    where
        texts.source = 'ticket'
        and texts.written_at < {{ as_of }}

),

treated as (

    select
        customer_id,
        written_at as moment,
        topic_id,
        true as is_treated,
    from tickets
    where former_at is null or former_at < {{ holdfast.plus_days('written_at', -quiet_days) }}

),

-- enough customers to compare with, the same in every build
compared_customers as (

    select distinct customer_id
    from orders
    where {{ holdfast.stable_number('customer_id') }} % (
        select greatest(1, cast(floor(count(distinct customer_id) / {{ sampled_customers }}e0) as bigint)) from orders
    ) = 0

),

months as (

    {{ holdfast.months('(select min(ordered_at) from orders)', as_of) }}

),

moments as (

    {% for day in [0, 10, 20] -%}
    select {{ holdfast.plus_days('cast(month as timestamp)', day) }} as moment
    from months
    {{ 'union all' if not loop.last }}
    {% endfor %}

),

controls as (

    select
        compared_customers.customer_id,
        moments.moment,
        'none' as topic_id,
        false as is_treated,
    from compared_customers
    cross join moments
    where not exists (
        select 1
        from tickets
        where
            tickets.customer_id = compared_customers.customer_id
            and tickets.written_at < moments.moment
            and tickets.written_at >= {{ holdfast.plus_days('moments.moment', -quiet_days) }}
    )

),

observed as (

    select * from treated

    union all

    select * from controls

),

-- the horizon must be over, and the customer must have bought lately
followed as (

    select
        observed.customer_id,
        observed.topic_id,
        observed.is_treated,
        observed.moment,
        cast(date_trunc('month', observed.moment) as date) as month,
        {{ holdfast.days_between('before.last_purchase_at', 'observed.moment') }} as days_silent,
        before.purchases,
        case when after.purchases = before.purchases then 1 else 0 end as churn,
        after.spent - before.spent as spend,
    from observed
    inner join ledger as before
        on before.customer_id = observed.customer_id
        and before.from_at < observed.moment
        and before.until_at >= observed.moment
    inner join ledger as after
        on after.customer_id = observed.customer_id
        and after.from_at < {{ holdfast.plus_days('observed.moment', horizon) }}
        and after.until_at >= {{ holdfast.plus_days('observed.moment', horizon) }}
    where
        {{ holdfast.plus_days('observed.moment', horizon) }} <= {{ holdfast.known_until() }}
        and before.last_purchase_at >= {{ holdfast.plus_days('observed.moment', -active_days) }}

),

-- the same risk at the moment: month, lifecycle state, time since the last purchase and number of purchases
grouped as (

    select
        followed.customer_id,
        followed.topic_id,
        followed.is_treated,
        followed.churn,
        followed.spend,
        concat_ws(
            '|',
            cast(followed.month as varchar),
            coalesce(min(lifecycle.state), 'unknown'),
            case
                when followed.days_silent < 4 then '0'
                when followed.days_silent < 8 then '4'
                when followed.days_silent < 15 then '8'
                when followed.days_silent < 31 then '15'
                when followed.days_silent < 61 then '31'
                when followed.days_silent < 91 then '61'
                else '91'
            end,
            case
                when followed.purchases < 2 then '1'
                when followed.purchases < 4 then '2'
                when followed.purchases < 10 then '4'
                else '10'
            end
        ) as stratum,
    from followed
    left join {{ ref('holdfast', 'holdfast__customer_lifecycle') }} as lifecycle
        on lifecycle.customer_id = followed.customer_id
        and lifecycle.churn_definition = {{ definition }}
        and {{ holdfast.state_in_force('lifecycle', 'followed.moment') }}
    group by
        followed.customer_id, followed.topic_id, followed.is_treated, followed.moment, followed.month,
        followed.days_silent, followed.purchases, followed.churn, followed.spend

),

outcomes as (

    {% for outcome in ['churn', 'spend'] -%}
    select
        customer_id,
        topic_id,
        is_treated,
        stratum,
        {{ holdfast.text(outcome) }} as outcome,
        cast({{ outcome }} as {{ exact }}) as value,
    from grouped
    {{ 'union all' if not loop.last }}
    {% endfor %}
),

strata as (

    select
        stratum,
        outcome,
        cast(count(*) as double) as controls,
        cast(sum(value) as double) / cast(count(*) as double) as mean,
        cast(sum(value * value) as double) / cast(count(*) as double) as mean_square,
    from outcomes
    where not is_treated
    group by stratum, outcome
    having count(*) >= {{ least_controls }}

),

rows_of_topics as (

    select
        customer_id,
        topic_id,
        stratum,
        outcome,
        value,
    from outcomes
    where is_treated

    union all

    select
        customer_id,
        'all' as topic_id,
        stratum,
        outcome,
        value,
    from outcomes
    where is_treated

),

differences as (

    select
        rows_of_topics.*,
        strata.stratum is not null as is_matched,
        cast(strata.mean as {{ exact }}) as expected,
        rows_of_topics.value - cast(strata.mean as {{ exact }}) as difference,
    from rows_of_topics
    left join strata
        on strata.stratum = rows_of_topics.stratum
        and strata.outcome = rows_of_topics.outcome

),

summed as (

    select
        topic_id,
        outcome,
        count(*) as tickets,
        count(distinct case when is_matched then customer_id end) as customers,
        cast(count(case when is_matched then 1 end) as double) as matched,
        cast(sum(case when is_matched then value end) as double) as total,
        cast(sum(expected) as double) as expected_total,
        cast(sum(difference) as double) as difference_total,
        cast(sum(difference * difference) as double) as difference_squares,
    from differences
    group by topic_id, outcome

),

-- what the means of the controls are uncertain by, weighted as they are used
of_strata as (

    select
        topic_id,
        outcome,
        stratum,
        cast(count(*) as double) as used,
    from differences
    where is_matched
    group by topic_id, outcome, stratum

),

noise as (

    select
        of_strata.topic_id,
        of_strata.outcome,
        cast(sum(cast(
            of_strata.used * of_strata.used * greatest(0e0, strata.mean_square - strata.mean * strata.mean)
            / cast(strata.controls - 1e0 as double) as {{ exact }}
        )) as double) as squares,
        sum(cast(strata.controls as bigint)) as controls,
    from of_strata
    inner join strata
        on strata.stratum = of_strata.stratum
        and strata.outcome = of_strata.outcome
    group by of_strata.topic_id, of_strata.outcome

),

measured as (

    select
        summed.topic_id,
        summed.outcome,
        summed.tickets,
        summed.customers,
        summed.matched,
        noise.controls,
        summed.total / cast(nullif(summed.matched, 0) as double) as after_ticket,
        summed.expected_total / cast(nullif(summed.matched, 0) as double) as similar_customers,
        summed.difference_total / cast(nullif(summed.matched, 0) as double) as difference,
        sqrt(
            greatest(
                0e0,
                summed.difference_squares
                - summed.difference_total * summed.difference_total / cast(nullif(summed.matched, 0) as double)
            ) / cast(nullif(summed.matched - 1e0, 0) as double) / cast(nullif(summed.matched, 0) as double)
            + noise.squares / cast(nullif(summed.matched * summed.matched, 0) as double)
        ) as error,
        summed.customers >= {{ least_customers }} as is_told,
    from summed
    left join noise
        on noise.topic_id = summed.topic_id
        and noise.outcome = summed.outcome

),

final as (

    select
        {{ holdfast.as_of_date() }} as as_of_date,
        cast(measured.topic_id as varchar) as topic_id,
        cast(case
            when measured.topic_id = 'all' then 'all'
            else coalesce(issues.topic, measured.topic_id)
        end as varchar) as topic,
        cast(measured.outcome as varchar) as outcome,
        {{ horizon }} as horizon_days,
        cast(case
            when not measured.is_told then 'too_few'
            when measured.difference - 1.96e0 * measured.error > 0e0 then 'higher'
            when measured.difference + 1.96e0 * measured.error < 0e0 then 'lower'
            else 'no_difference_shown'
        end as varchar) as status,
        cast(measured.tickets as bigint) as tickets,
        cast(measured.matched as bigint) as matched,
        cast(case when measured.is_told then measured.controls end as bigint) as controls,
        {%- for figure in ['after_ticket', 'similar_customers', 'difference'] %}
        case when measured.is_told then round(measured.{{ figure }}, 6) end as {{ figure }},
        {%- endfor %}
        case when measured.is_told then round(measured.difference - 1.96e0 * measured.error, 6) end as difference_lower,
        case when measured.is_told then round(measured.difference + 1.96e0 * measured.error, 6) end as difference_upper,
        false as is_causal,
    from measured
    left join {{ ref('holdfast', 'holdfast__support_issues') }} as issues on issues.topic_id = measured.topic_id

)

select * from final
