-- what each offer would change for each customer; until a model tells customers apart, the average of offer_effects
{{ config(enabled=holdfast.has_system('offers')) }}
{% set as_of = 'cast(' ~ holdfast.as_of_date() ~ ' as timestamp)' -%}
{% set days = holdfast.setting('response_days') -%}
{% set words = holdfast.language().offers -%}
{% set reach = '1.959963984540054e0' -%}
{% set exact = 'decimal(38, 9)' -%}
with

customers as (

    {{ holdfast.all_customers() }}

),

-- what is over may no longer be offered
offers as (

    {% if holdfast.has_input('offers') -%}
    select offer_id
    from {{ ref('holdfast', 'stg_holdfast__offers') }}
    where coalesce(valid_to > {{ as_of }}, true)
    {%- else -%}
    select distinct offer_id
    from {{ ref('holdfast', 'holdfast__send_outcomes') }}
    where offer_id is not null
    {%- endif %}

),

-- an offer's channels are put together, each by how much it tells
effects as (

    select
        {{ holdfast.same_id('offer_id') }} as offer_key,
        outcome,
        status,
        treated,
        effect_shrunk as effect,
        (effect_shrunk_upper - effect_shrunk_lower) / 3.919927969080108e0 as error,
        channel,
    from {{ ref('holdfast', 'holdfast__offer_effects') }}
    where
        segment = 'all'
        and offer_id is not null
        and outcome in ('retained', 'revenue')

),

weighed as (

    select
        *,
        status = 'estimated' as is_usable,
        1e0 / cast(nullif(error * error, 0e0) as double) as information,
    from effects

),

of_outcomes as (

    select
        offer_key,
        outcome,
        coalesce(
            max(case when is_usable then status end),
            {{ holdfast.value_at_max('status', '(treated, status)') }}
        ) as status,
        coalesce(
            sum(effect * information) filter (where is_usable)
            / cast(sum(information) filter (where is_usable) as double),
            avg(effect) filter (where is_usable)
        ) as effect,
        coalesce(1e0 / cast(sqrt(sum(information) filter (where is_usable)) as double), 0e0) as error,
    from (
        select *
        from weighed
        order by offer_key asc nulls last, outcome asc nulls last, channel asc nulls last
    ) as ordered
    group by offer_key, outcome

),

usable as (

    select
        campaign_id,
        offer_id,
        segment,
        is_control,
        is_retained,
        revenue,
        coalesce(discount, 0) as discount,
    from {{ ref('holdfast', 'holdfast__send_outcomes') }}
    where
        is_mature
        and excluded_because is null

),

arms as (

    select
        campaign_id,
        {{ holdfast.same_id('offer_id') }} as offer_key,
        cast(avg(discount) as double) as discount,
        cast(count(*) as double) as sends,
    from usable
    where
        not is_control
        and offer_id is not null
    group by campaign_id, {{ holdfast.same_id('offer_id') }}

),

held_out as (

    select
        campaign_id,
        cast(avg(discount) as double) as discount,
        cast(count(*) as double) as sends,
    from usable
    where is_control
    group by campaign_id

),

-- revenue is what is left after the discount, and the discount is a cost of the offer: it is put back
discounts as (

    select
        offer_key,
        sum(information * difference) / cast(sum(information) as double) as discount,
    from (
        select
            arms.offer_key,
            arms.discount - held_out.discount as difference,
            arms.sends * held_out.sends / cast((arms.sends + held_out.sends) as double) as information,
        from arms
        inner join held_out on held_out.campaign_id = arms.campaign_id
        order by arms.offer_key asc nulls last, arms.campaign_id asc nulls last
    ) as by_campaign
    group by offer_key

),

-- what those held out did, who are like the customer
controls as (

    select
        segment,
        avg(case when is_retained then 1e0 else 0e0 end) as retained,
        cast(sum(cast(revenue + discount as {{ exact }})) as double) / cast(count(*) as double) as spend,
    from usable
    where is_control
    group by segment

),

-- what the customer does anyway, from their own past, else as those held out
without as (

    select
        customers.customer_id,
        coalesce(
            1e0 - exp(-1e0 * greatest(forecasts.expected_orders_90d, 0e0) * {{ days }} / 90e0),
            controls.retained
        ) as retained_without,
        coalesce(
            greatest(forecasts.expected_spend_90d, 0e0) * {{ days }} / 90e0,
            greatest(controls.spend, 0e0)
        ) as spend_without,
    from customers
    left join {{ ref('holdfast', 'holdfast__customer_value') }} as forecasts
        on forecasts.customer_id = customers.customer_id
    left join {{ ref('holdfast', 'holdfast__customer_lifecycle') }} as lifecycle
        on lifecycle.customer_id = customers.customer_id
        and lifecycle.churn_definition = {{ holdfast.text(holdfast.setting('churn_definition')) }}
        and {{ holdfast.state_in_force('lifecycle', as_of) }}
    left join controls on controls.segment = coalesce(lifecycle.state, 'unknown')

),

joined as (

    select
        without.customer_id,
        offers.offer_id,
        without.retained_without,
        without.spend_without,
        case
            when retained.status is null then 'never_sent'
            when retained.status <> 'estimated' then retained.status
            else revenue.status
        end as status,
        retained.effect as retained_uplift,
        retained.error as retained_error,
        revenue.effect + coalesce(discounts.discount, 0e0) as spend_uplift,
        revenue.error as spend_error,
    from without
    cross join offers
    left join of_outcomes as retained
        on retained.offer_key = {{ holdfast.same_id('offers.offer_id') }}
        and retained.outcome = 'retained'
    left join of_outcomes as revenue
        on revenue.offer_key = retained.offer_key
        and revenue.outcome = 'revenue'
    left join discounts on discounts.offer_key = retained.offer_key

),

judged as (

    select
        customer_id,
        offer_id,
        status,
        case when status = 'estimated' then 'average' else 'none' end as effect_kind,
        retained_without,
        spend_without,
        {%- for outcome in ['retained', 'spend'] %}
        {%- for end, way in [('', '0e0'), ('_lower', '-' ~ reach), ('_upper', reach)] %}
        case
            when status = 'estimated' then {{ outcome }}_uplift + {{ way }} * {{ outcome }}_error
        end as {{ outcome }}_uplift{{ end }},
        {%- endfor %}
        {%- endfor %}
    from joined

),

final as (

    select
        customer_id,
        offer_id,
        {{ holdfast.scoring_as_of() }} as as_of,
        {{ holdfast.as_of_date() }} as as_of_date,
        cast(null as varchar) as model_id,
        cast(effect_kind as varchar) as effect_kind,
        cast(status as varchar) as status,
        retained_without,
        retained_uplift,
        retained_uplift_lower,
        retained_uplift_upper,
        spend_without,
        spend_uplift,
        spend_uplift_lower,
        spend_uplift_upper,
        cast(
            case
                when effect_kind = 'average' then {{ holdfast.told(words.average, {
                    'points': '1e2 * retained_uplift', 'lower': '1e2 * retained_uplift_lower',
                    'upper': '1e2 * retained_uplift_upper', 'days': days | string,
                }) }}
                {%- for status, phrase in words.status.items() %}
                when status = {{ holdfast.text(status) }} then {{ holdfast.text(phrase) }}
                {%- endfor %}
            end as varchar
        ) as reason,
    from judged

)

select * from final
