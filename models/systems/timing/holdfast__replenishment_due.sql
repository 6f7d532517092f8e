{{ config(enabled=holdfast.has_system('timing')) }}
-- when customers will have used up what they buy again and again, and whether to remind them
{% set as_of = 'cast(' ~ holdfast.as_of_date() ~ ' as timestamp)' -%}
{% set lead_days = holdfast.setting('replenishment_lead_days') -%}
{% set horizon_days = holdfast.setting('churn_horizon_days') -%}
{#- in cycles of silence: after how many a reminder comes too late, and a lapsed customer is not coming back for it -#}
{% set stopped_after = 2.5 -%}
{% set lapsed_after = 1.5 -%}
{% set words = holdfast.language().replenishment -%}
with

cycles as (

    {{ holdfast.replenishment_cycles([as_of]) | indent(4) }}

),

dated as (

    select
        *,
        {{ holdfast.days_between('last_bought_at', 'as_of') }} as silence_days,
        {{ holdfast.plus_days('last_bought_at', 'cast(round(cycle_days) as integer)') }} as runs_out_at,
        {{ holdfast.plus_days('last_bought_at', 'cast(floor(cycle_days / 2e0) as integer)') }} as half_used_at,
        {{ holdfast.plus_days(
            'previous_bought_at', 'cast(round(previous_cycle_days) as integer)'
        ) }} as former_runs_out_at,
    from cycles

),

-- another product of the category bought in the second half of a cycle takes the place of this one, unless the customer
-- buys the two side by side
replacements as (

    select
        dated.customer_id,
        dated.product_id,
        max(others.last_bought_at) as other_bought_at,
        {{ holdfast.value_at_max(
            'others.product_name', '(others.last_bought_at, cast(others.product_id as varchar))'
        ) }} as other_name,
    from dated
    inner join dated as others
        on others.customer_id = dated.customer_id
        and others.category = dated.category
        and others.last_bought_at >= dated.half_used_at
    where
        dated.purchase_count >= 2
        and others.product_id != dated.product_id
        and (
            others.previous_bought_at is null
            or others.first_bought_at > dated.last_bought_at
            or others.previous_bought_at < dated.previous_bought_at
        )
    group by dated.customer_id, dated.product_id

),

availability as (

    {{ holdfast.available_products(as_of) | indent(4) }}

),

sales as (

    select
        product_id,
        max(case when is_in_catalogue then 1 else 0 end) = 1 as is_in_catalogue,
        max(last_bought_at) as last_sold_at,
    from cycles
    group by product_id

),

-- off the shelves: delisted if nobody has bought it for long, or if the products do not list it while they list others
shelves as (

    select
        sales.product_id,
        case
            when
                not sales.is_in_catalogue
                and (select count(*) from {{ ref('holdfast', 'stg_holdfast__products') }}) > 0
                then 'delisted'
            when not availability.is_available and sales.last_sold_at < {{ as_of }} - interval {{ horizon_days }} day
                then 'delisted'
            when not availability.is_available then 'out_of_stock'
        end as problem,
    from sales
    left join availability on availability.product_id = sales.product_id

),

lapsed as (

    select distinct customer_id
    from {{ ref('holdfast', 'holdfast__customer_lifecycle') }}
    where
        churn_definition = 'non_contractual'
        and left_at is null
        and state = 'lapsed'

),

judged as (

    select
        dated.*,
        replacements.other_name,
        {{ holdfast.days_between('replacements.other_bought_at', 'dated.as_of') }} as other_days,
        case
            when dated.purchase_count < 2 or dated.cycle_days is null then 'not_enough_history'
            when lapsed.customer_id is not null and dated.silence_days > {{ lapsed_after }}e0 * dated.cycle_days
                then 'customer_lapsed'
            when dated.silence_days > {{ stopped_after }}e0 * dated.cycle_days then 'stopped'
            when shelves.problem is not null then shelves.problem
            when replacements.customer_id is not null then 'suppressed_bought_elsewhere_in_category'
            when dated.runs_out_at < dated.as_of then 'overdue'
            when dated.runs_out_at <= dated.as_of + interval {{ lead_days }} day then 'due'
            when
                dated.former_runs_out_at <= dated.as_of + interval {{ lead_days }} day
                and dated.former_runs_out_at > dated.last_bought_at + interval {{ lead_days }} day
                then 'suppressed_bought_since'
            else 'upcoming'
        end as status,
    from dated
    inner join shelves on shelves.product_id = dated.product_id
    left join lapsed on lapsed.customer_id = dated.customer_id
    left join replacements
        on replacements.customer_id = dated.customer_id
        and replacements.product_id = dated.product_id

),

final as (

    select
        customer_id,
        product_id,
        {{ holdfast.as_of_date() }} as as_of_date,
        cast(coalesce(product_name, cast(product_id as varchar)) as varchar) as product_name,
        cast(category as varchar) as category,
        case when is_stated then 'stated' else 'learned' end as replenishable_source,
        cast(purchase_count as bigint) as purchase_count,
        last_bought_at,
        last_quantity,
        own_cycle_days,
        product_cycle_days,
        cycle_days,
        cast(evidence_count as integer) as evidence_count,
        cast(level as varchar) as level,
        runs_out_at,
        runs_out_at - interval {{ lead_days }} day as remind_at,
        cast(status as varchar) as status,
        cast(
            case
                when cycle_days is null then {{ holdfast.told(words.no_rhythm, {
                    'purchase_count': 'purchase_count', 'silence_days': 'silence_days',
                }) }}
                when level = 'own' then {{ holdfast.told(words.own, {
                    'purchase_count': 'purchase_count', 'cycle_days': 'cycle_days', 'silence_days': 'silence_days',
                }) }}
                else {{ holdfast.told(words.others, {
                    'purchase_count': 'purchase_count', 'cycle_days': 'product_cycle_days', 'silence_days': 'silence_days',
                }) }}
            end
            || case status
                {%- for status, phrase in words.status.items() %}
                when {{ holdfast.text(status) }} then {{ holdfast.told(phrase, {
                    'other': 'coalesce(other_name, ' ~ holdfast.text('?') ~ ')', 'other_days': 'other_days',
                }) }}
                {%- endfor %}
                else ''
            end as varchar
        ) as reason,
    from judged

)

select * from final
