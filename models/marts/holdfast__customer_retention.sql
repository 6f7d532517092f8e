-- the table that a BI tool opens first: every customer once, with what we know and what we expect
{% set as_of = 'cast(' ~ holdfast.as_of_date() ~ ' as timestamp)' -%}
{% set active_within_days = holdfast.setting('active_within_days') -%}
{% set gap_days = holdfast.setting('allowed_gap_days') -%}
{% set definition = holdfast.setting('churn_definition') -%}
{% set has_winback = holdfast.task('winback').enabled -%}
{% set has_timing = holdfast.has_system('timing') -%}
{% set has_recommendations = holdfast.has_system('recommendations') -%}
{% set has_offers = holdfast.has_system('offers') -%}
with

registered as (

    select
        customer_id,
        created_at,
    from {{ ref('holdfast', 'stg_holdfast__customers') }}
    where created_at < {{ as_of }}

),

history as (

    select * from {{ ref('holdfast', 'holdfast__customer_history') }}

),

subscriptions as (

    select
        customer_id,
        min(started_at) as first_subscribed_at,
    from {{ ref('holdfast', 'stg_holdfast__subscriptions') }}
    where
        customer_id is not null
        and started_at < {{ as_of }}
    group by customer_id

),

-- as for churn: what ended runs on within the allowed gap, in which another one may follow
memberships as (

    {{ holdfast.memberships(gap_days, as_of=as_of) | indent(4) }}

),

latest_memberships as (

    select
        *,
        max(ended_at) over (partition by customer_id) as last_ended_at,
    from memberships

),

running as (

    select
        customer_id,
        cast(sum(mrr) as decimal(38, 4)) as mrr,
    from latest_memberships
    where
        ended_at = last_ended_at
        and ended_at >= {{ as_of }} - interval {{ gap_days }} day
    group by customer_id

),

spells as (

    select
        customer_id,
        max(spell) as spell_count,
        max(case when ended_at is null then 1 else 0 end) = 1 as is_active,
        max(ended_at) as churned_at,
    from {{ ref('holdfast', 'holdfast__customer_spells') }}
    where churn_definition = {{ holdfast.text(definition) }}
    group by customer_id

),

lifecycle as (

    select *
    from {{ ref('holdfast', 'holdfast__customer_lifecycle') }}
    where
        left_at is null
        and churn_definition = {{ holdfast.text(definition) }}

),

next_purchase as (

    select
        customer_id,
        expected_next_order_at,
    from {{ ref('holdfast', 'holdfast__next_purchase') }}

),

segments as (

    select * from {{ ref('holdfast', 'holdfast__customer_segments') }}

),

scores as (

    select *
    from {{ ref('holdfast', 'holdfast__churn_scores') }}
    where as_of = {{ holdfast.scoring_as_of() }}

),

first_reasons as (

    select
        customer_id,
        theme,
    from {{ ref('holdfast', 'holdfast__churn_reasons') }}
    where rank = 1

),

actions as (

    {{ holdfast.theme_actions() }}

),

{% if has_timing -%}
timing as (

    select
        customer_id,
        best_weekday,
        send_at_hour,
    from {{ ref('holdfast', 'holdfast__contact_timing') }}
    where channel = 'any'

),

triggers as (

    select
        customer_id,
        trigger,
        evidence,
    from {{ ref('holdfast', 'holdfast__lifecycle_triggers') }}
    where is_first_choice

),

reminders as (

    select
        customer_id,
        product_name,
        remind_at,
        row_number() over (
            partition by customer_id
            order by remind_at asc nulls last, product_id asc nulls last
        ) as position,
    from {{ ref('holdfast', 'holdfast__replenishment_due') }}
    where status in ('due', 'upcoming')

),

{% endif -%}

{% if has_recommendations -%}
recommendations as (

    select
        customer_id,
        product_name,
        reason,
    from {{ ref('holdfast', 'holdfast__product_recommendations') }}
    where
        list = 'top'
        and rank = 1

),

{% endif -%}

{% if has_offers -%}
offers as (

    select
        customer_id,
        coalesce(offer_name, action) as action,
        expected_profit,
        reason,
    from {{ ref('holdfast', 'holdfast__next_best_offer') }}

),

{% endif -%}

expected as (

    select
        customer_id,
        p_alive,
        expected_orders_90d,
        expected_spend_90d,
        expected_spend_365d,
    from {{ ref('holdfast', 'holdfast__customer_value') }}

),

{% if has_winback -%}
winback as (

    select
        customer_id,
        winback_probability,
    from {{ ref('holdfast', 'holdfast__winback_scores') }}
    where as_of = {{ holdfast.scoring_as_of() }}

),

{% endif -%}

customers as (

    {{ holdfast.all_customers() | indent(4) }}

),

final as (

    select
        customers.customer_id,
        {{ holdfast.as_of_date() }} as as_of_date,
        coalesce(
            registered.created_at,
            least(history.first_order_at, subscriptions.first_subscribed_at)
        ) as created_at,
        history.cohort_month,
        coalesce(
            segments.segment,
            case when subscriptions.customer_id is null then 'No purchase yet' else 'Subscription only' end
        ) as segment,
        segments.recency_score,
        segments.frequency_score,
        segments.monetary_score,
        coalesce(lifecycle.state, 'never_ordered') as lifecycle_state,
        coalesce(lifecycle.is_keepable, false) as is_keepable,
        coalesce(
            lifecycle.entered_at,
            registered.created_at,
            least(history.first_order_at, subscriptions.first_subscribed_at)
        ) as state_entered_at,
        {% if definition == 'contractual' -%}
        cast(null as timestamp) as expected_next_order_at,
        {%- else -%}
        next_purchase.expected_next_order_at,
        {%- endif %}
        coalesce(spells.is_active, false) as is_active,
        case when not spells.is_active then spells.churned_at end as churned_at,
        coalesce(spells.spell_count, 0) as spell_count,
        history.first_order_at,
        history.last_order_at,
        segments.days_since_order,
        coalesce(history.order_count, 0) as order_count,
        coalesce(history.order_count_90d, 0) as order_count_90d,
        coalesce(history.order_count_365d, 0) as order_count_365d,
        cast(coalesce(history.revenue, 0) as decimal(38, 4)) as revenue,
        cast(coalesce(history.revenue_90d, 0) as decimal(38, 4)) as revenue_90d,
        cast(coalesce(history.revenue_365d, 0) as decimal(38, 4)) as revenue_365d,
        cast(history.revenue as double) / cast(nullif(history.order_count, 0) as double) as average_order_value,
        {{ holdfast.days_between('history.first_order_at', 'history.last_order_at') }}
        / cast(nullif(history.order_count - 1, 0) as double) as mean_order_gap_days,
        running.customer_id is not null as has_subscription,
        running.mrr,
        case
            when scores.status is not null then scores.status
            when history.last_order_at >= {{ as_of }} - interval {{ active_within_days }} day then 'not_scored'
            {%- if definition == 'contractual' %}
            when running.customer_id is not null then 'not_scored'
            {%- endif %}
            when history.last_order_at is null then 'never_ordered'
            else 'inactive'
        end as status,
        scores.churn_probability,
        scores.churn_percentile,
        -- a risk is one of losing a customer: who is lost already has none
        case when lifecycle.is_keepable then scores.risk_band end as risk_band,
        scores.reason_1,
        scores.reason_2,
        scores.reason_3,
        first_reasons.theme as reason_1_theme,
        actions.action as suggested_action,
        expected.p_alive,
        expected.expected_orders_90d,
        expected.expected_spend_90d,
        expected.expected_spend_365d,
        cast(
            case
                when lifecycle.is_keepable
                    then scores.churn_probability * expected.expected_spend_365d
            end as decimal(38, 4)
        ) as value_at_risk,
        cast(
            case
                when lifecycle.is_keepable
                    then scores.churn_probability * greatest(coalesce(history.revenue_365d, 0), 0)
            end as decimal(38, 4)
        ) as revenue_at_risk,
        {% if has_winback -%}
        case when lifecycle.state = 'lapsed' then winback.winback_probability end as return_probability,
        {%- else -%}
        cast(null as double) as return_probability,
        {%- endif %}
        {% for name, type, of, is_there in [
            ('best_weekday', 'varchar', 'timing.best_weekday', has_timing),
            ('send_at_hour', 'integer', 'timing.send_at_hour', has_timing),
            ('trigger', 'varchar', 'triggers.trigger', has_timing),
            ('trigger_evidence', 'varchar', 'triggers.evidence', has_timing),
            ('reminder_product', 'varchar', 'reminders.product_name', has_timing),
            ('remind_at', 'timestamp', 'reminders.remind_at', has_timing),
            ('recommended_product', 'varchar', 'recommendations.product_name', has_recommendations),
            ('recommendation_reason', 'varchar', 'recommendations.reason', has_recommendations),
            ('best_action', 'varchar', 'offers.action', has_offers),
            ('best_action_profit', 'double', 'offers.expected_profit', has_offers),
            ('best_action_reason', 'varchar', 'offers.reason', has_offers),
        ] -%}
        {{ of if is_there else 'cast(null as ' ~ type ~ ')' }} as {{ name }},
        {% endfor -%}
        scores.model_id,
        scores.scored_at,
    from customers
    left join registered on registered.customer_id = customers.customer_id
    left join history on history.customer_id = customers.customer_id
    left join subscriptions on subscriptions.customer_id = customers.customer_id
    left join running on running.customer_id = customers.customer_id
    left join spells on spells.customer_id = customers.customer_id
    left join lifecycle on lifecycle.customer_id = customers.customer_id
    left join next_purchase on next_purchase.customer_id = customers.customer_id
    left join segments on segments.customer_id = customers.customer_id
    left join scores on scores.customer_id = customers.customer_id
    left join first_reasons
        on first_reasons.customer_id = customers.customer_id
        and scores.reason_1 is not null
    left join actions on actions.theme = first_reasons.theme
    {%- if has_timing %}
    left join timing on timing.customer_id = customers.customer_id
    left join triggers on triggers.customer_id = customers.customer_id
    left join reminders
        on reminders.customer_id = customers.customer_id
        and reminders.position = 1
    {%- endif %}
    {%- if has_recommendations %}
    left join recommendations on recommendations.customer_id = customers.customer_id
    {%- endif %}
    {%- if has_offers %}
    left join offers on offers.customer_id = customers.customer_id
    {%- endif %}
    left join expected on expected.customer_id = customers.customer_id
    {%- if has_winback %}
    left join winback on winback.customer_id = customers.customer_id
    {%- endif %}

)

select * from final
