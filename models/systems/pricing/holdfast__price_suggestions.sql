-- prices to think about, within guard rails: nothing here is ever applied by Holdfast
{{ config(enabled=holdfast.has_system('pricing')) }}

{% set as_of = 'cast(' ~ holdfast.as_of_date() ~ ' as timestamp)' -%}
{% set rules = holdfast.setting('price_rules') -%}
{#- candidates between the largest step down and the largest step up -#}
{% set steps = 40 -%}
{#- what a week sells is the mean of so many days -#}
{% set sales_days = 91 -%}
with

sold as (

    select
        product_id,
        cast(sum(cast(quantity as decimal(38, 6))) as double) * 7e0 / {{ sales_days }}e0 as units_per_week,
    from (
        {{ holdfast.priced_lines(sales_days) | indent(8) }}
    ) as lines
    group by product_id

),

seen as (

    select
        product_id,
        price,
        seen_at,
        row_number() over (
            partition by product_id, competitor
            order by seen_at desc nulls last, price asc nulls last
        ) as recency,
    from {{ ref('holdfast', 'stg_holdfast__competitor_prices') }}
    where
        product_id is not null
        and price > 0
        and seen_at < {{ as_of }}

),

-- what each competitor asked last, if that is not too long ago
competitors as (

    select
        product_id,
        min(case
            when seen_at >= {{ as_of }} - interval {{ rules.competitor_days }} day then price
        end) as competitor_price,
        max(seen_at) as competitor_seen_at,
    from seen
    where recency = 1
    group by product_id

),

products as (

    select
        response.product_id,
        response.as_of_date,
        response.product_name,
        response.category,
        response.status as response_status,
        response.elasticity,
        (response.elasticity_upper - response.elasticity_lower) / 3.92e0 as standard_error,
        prices.current_price,
        prices.current_since,
        prices.price_changes,
        prices.lowest_price_30d,
        cast(prices.current_price as double) as price,
        catalogue.unit_cost,
        cast(catalogue.unit_cost as double) as cost,
        coalesce(sold.units_per_week, 0e0) as units_per_week,
        competitors.competitor_price,
        competitors.competitor_seen_at,
        case
            when prices.current_price is null then 'no_price'
            when prices.price_changes = 0 then 'never_moved'
            when response.status = 'wrong_sign' then 'wrong_sign'
            when response.status = 'not_identified' then 'not_identified'
            when catalogue.unit_cost is null or catalogue.unit_cost < 0 then 'unknown_cost'
            when sold.units_per_week is null then 'no_recent_sales'
            when prices.current_since > {{ as_of }} - interval {{ rules.min_days }} day then 'changed_lately'
        end as obstacle,
    from {{ ref('holdfast', 'holdfast__price_response') }} as response
    inner join {{ ref('holdfast', 'holdfast__lowest_price_30d') }} as prices on prices.product_id = response.product_id
    left join {{ ref('holdfast', 'stg_holdfast__products') }} as catalogue on catalogue.product_id = response.product_id
    left join sold on sold.product_id = response.product_id
    left join competitors on competitors.product_id = response.product_id

),

numbers as (

    select {{ holdfast.whole_numbers(steps) }} as number

),

drafts as (

    select
        products.*,
        products.price * (1e0 + {{ rules.max_step }}e0 * (2e0 * numbers.number / {{ steps }}e0 - 1e0)) as draft,
    from products
    cross join numbers
    where products.obstacle is null

),

candidates as (

    {%- if rules.endings %}
    {%- for ending in rules.endings %}
    select
        *,
        floor(draft) + {{ ending }}e0 as candidate,
    from drafts
    {%- if not loop.last %}

    union
    {% endif %}
    {%- endfor %}
    {%- else %}
    select
        *,
        round(draft, 2) as candidate,
    from drafts
    {%- endif %}

),

allowed as (

    select distinct
        product_id,
        price,
        cost,
        elasticity,
        standard_error,
        units_per_week,
        candidate,
        ln(candidate / cast(price as double)) as step,
    from candidates
    where
        candidate > 0e0
        and abs(candidate / cast(price as double) - 1e0) <= {{ rules.max_step }}e0 + 1e-9
        and candidate - cost >= {{ rules.min_margin }}e0 * candidate
        and abs(candidate - price) > 0.004e0
        -- nobody is undercut more than today: a raise ends at the cheapest competitor
        and (competitor_price is null or candidate <= greatest(price, cast(competitor_price as double)))

),

expected as (

    select
        *,
        (price - cost) * units_per_week as contribution,
        exp(elasticity * step + standard_error * standard_error * step * step / 2e0) as ratio,
        exp(elasticity * step - 1.96e0 * standard_error * abs(step)) as ratio_lower,
        exp(elasticity * step + 1.96e0 * standard_error * abs(step)) as ratio_upper,
    from allowed

),

changes as (

    select
        *,
        round((candidate - cost) * units_per_week * ratio - contribution, 4) as contribution_change,
        least(
            (candidate - cost) * units_per_week * ratio_lower, (candidate - cost) * units_per_week * ratio_upper
        ) - contribution as change_lower,
        greatest(
            (candidate - cost) * units_per_week * ratio_lower, (candidate - cost) * units_per_week * ratio_upper
        ) - contribution as change_upper,
    from expected

),

ranked as (

    select
        *,
        row_number() over (
            partition by product_id
            order by contribution_change desc nulls last, abs(step) asc nulls last, candidate asc nulls last
        ) as place,
    from changes

),

judged as (

    select
        products.*,
        best.candidate,
        best.contribution_change,
        best.change_lower,
        best.change_upper,
        best.ratio,
        best.ratio_lower,
        best.ratio_upper,
        case
            when products.obstacle is not null then products.obstacle
            when best.candidate is null then 'no_allowed_price'
            when best.contribution_change <= 0 then 'keep_price'
            when best.change_lower <= 0 then 'uncertain'
            else 'suggested'
        end as status,
    from products
    left join ranked as best
        on best.product_id = products.product_id
        and best.place = 1

),

final as (

    select
        product_id,
        as_of_date,
        product_name,
        category,
        status,
        current_price,
        current_since,
        unit_cost,
        case when status = 'suggested' then cast(candidate as decimal(18, 4)) end as suggested_price,
        case when status in ('suggested', 'uncertain') then cast(candidate as decimal(18, 4)) end as best_price,
        case when status in ('suggested', 'uncertain') then round(contribution_change, 4) end as contribution_change,
        case when status in ('suggested', 'uncertain') then round(change_lower, 4) end as contribution_change_lower,
        case when status in ('suggested', 'uncertain') then round(change_upper, 4) end as contribution_change_upper,
        case when status in ('suggested', 'uncertain') then round(ratio - 1e0, 6) end as quantity_change,
        case when status in ('suggested', 'uncertain') then round(ratio_lower - 1e0, 6) end as quantity_change_lower,
        case when status in ('suggested', 'uncertain') then round(ratio_upper - 1e0, 6) end as quantity_change_upper,
        round(units_per_week, 4) as units_per_week,
        elasticity,
        case
            when competitor_price is not null then 'known'
            when competitor_seen_at is not null then 'too_old'
            else 'none'
        end as competitor_status,
        competitor_price,
        competitor_seen_at,
        lowest_price_30d,
        -- dearer than lately, it must not be announced as a reduction, though it is cheaper than today
        coalesce(status = 'suggested' and candidate < cast(lowest_price_30d as double), false) as is_reduction,
        case status
            when 'no_price' then 'It has never been sold at a price above zero'
            when 'never_moved' then 'Its price never moved, so nobody knows what a change would do'
            when 'wrong_sign' then 'Sales rose with the price: something else moved both'
            when 'not_identified' then 'The data do not tell how sales answer to the price'
            when 'unknown_cost' then 'The cost of a unit is not known'
            when 'no_recent_sales' then 'Nothing was sold in {{ sales_days }} days'
            when 'changed_lately' then 'The price changed less than {{ rules.min_days }} days ago'
            when 'no_allowed_price'
                then 'No other price keeps the margin, the step, the endings and the competitors'' price'
            when 'keep_price' then 'No other allowed price is expected to earn more'
            when 'uncertain' then 'The best price may earn less than today''s: the interval includes a loss'
            else
                case when candidate > price then 'A higher price' else 'A lower price' end
                || ' is expected to earn more, even at the lower end'
        end as reason,
    from judged

)

select * from final
