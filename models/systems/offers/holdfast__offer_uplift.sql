-- what each offer would change for each customer: the average of offer_effects and, where a model shows that customers
-- differ, how far the customer lies from it
{{ config(enabled=holdfast.has_system('offers')) }}
{% set as_of = 'cast(' ~ holdfast.as_of_date() ~ ' as timestamp)' -%}
{% set days = holdfast.setting('response_days') -%}
{% set words = holdfast.language().offers -%}
{% set reach = '1.959963984540054e0' -%}
{% set exact = 'decimal(38, 9)' -%}
{% set registry = ref('holdfast', 'holdfast__offer_uplift_model') -%}
{% set features = ref('holdfast', 'holdfast__customer_features') -%}
{% set code = 'offer_code' -%}
{% set models = {} -%}
{% for outcome, task in {'retained': 'offer_retention', 'spend': 'offer_spend'}.items() -%}
{% for found in holdfast.registered_models(registry, "stage = 'champion' and task = " ~ holdfast.text(task)) -%}
{% do models.update({outcome: dict(found, is_individual=found.parameters.effect_kind == 'individual')}) -%}
{% endfor -%}
{% endfor -%}
{% set individual = models.values() | selectattr('is_individual') | list -%}
{#- what moves the effect, as far as it may be told -#}
{% set drivers = [] -%}
{% if individual -%}
{% set personal = holdfast.personal_features() -%}
{% set found = individual[0].parameters.drivers -%}
{% set themes = holdfast.feature_themes(found | map(attribute='feature') | list) -%}
{% for driver in found if themes[driver.feature].tell and driver.feature | lower not in personal -%}
{% do drivers.append(dict(driver, theme=themes[driver.feature].theme)) -%}
{% endfor -%}
{% endif -%}
{#- sqlfluff cannot place loops that are empty, as these are without a model #}
-- noqa: disable=LT02
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
weighed as (

    select
        {{ holdfast.same_id('offer_id') }} as offer_key,
        segment,
        outcome,
        channel,
        status,
        treated,
        effect_shrunk as effect,
        status = 'estimated' as is_usable,
        1e0 / cast(nullif(
            power((effect_shrunk_upper - effect_shrunk_lower) / 3.919927969080108e0, 2e0), 0e0
        ) as double) as information,
    from {{ ref('holdfast', 'holdfast__offer_effects') }}
    where
        offer_id is not null
        and outcome in ('retained', 'revenue')

),

of_outcomes as (

    select
        offer_key,
        segment,
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
        order by
            offer_key asc nulls last, segment asc nulls last, outcome asc nulls last, channel asc nulls last
    ) as ordered
    group by offer_key, segment, outcome

),

usable as (

    select
        campaign_id,
        {{ holdfast.same_id('offer_id') }} as offer_key,
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

split as (

    select {{ holdfast.all_with({'segment': holdfast.text('all')}) }}
    from usable

    union all

    select *
    from usable

),

arms as (

    select
        campaign_id,
        segment,
        offer_key,
        cast(avg(discount) as double) as discount,
        cast(count(*) as double) as sends,
    from split
    where
        not is_control
        and offer_key is not null
    group by campaign_id, segment, offer_key

),

held_out as (

    select
        campaign_id,
        segment,
        cast(avg(discount) as double) as discount,
        cast(count(*) as double) as sends,
    from split
    where is_control
    group by campaign_id, segment

),

-- revenue is what is left after the discount, and the discount is a cost of the offer: it is put back
discounts as (

    select
        offer_key,
        segment,
        sum(information * difference) / cast(sum(information) as double) as discount,
    from (
        select
            arms.offer_key,
            arms.segment,
            arms.discount - held_out.discount as difference,
            arms.sends * held_out.sends / cast((arms.sends + held_out.sends) as double) as information,
        from arms
        inner join held_out
            on held_out.campaign_id = arms.campaign_id
            and held_out.segment = arms.segment
        order by arms.offer_key asc nulls last, arms.segment asc nulls last, arms.campaign_id asc nulls last
    ) as by_campaign
    group by offer_key, segment

),

averages as (

    select
        retained.offer_key,
        retained.segment,
        case when retained.status = 'estimated' then revenue.status else retained.status end as status,
        retained.effect as retained_average,
        retained.error as retained_error,
        revenue.effect + coalesce(discounts.discount, 0e0) as spend_average,
        revenue.error as spend_error,
    from of_outcomes as retained
    inner join of_outcomes as revenue
        on revenue.offer_key = retained.offer_key
        and revenue.segment = retained.segment
    left join discounts
        on discounts.offer_key = retained.offer_key
        and discounts.segment = retained.segment
    where
        retained.outcome = 'retained'
        and revenue.outcome = 'revenue'

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

active as (

    select customer_id
    from {{ features }}
    where as_of = {{ holdfast.scoring_as_of() }}

),

-- what the customer does anyway, from their own past, else as those held out
without as (

    select
        customers.customer_id,
        coalesce(lifecycle.state, 'unknown') as segment,
        active.customer_id is not null as is_active,
        case
            when forecasts.expected_orders_90d is not null
                then 1e0 - exp(-1e0 * greatest(forecasts.expected_orders_90d, 0e0) * {{ days }} / 90e0)
            else controls.retained
        end as retained_without,
        case
            when forecasts.expected_spend_90d is not null
                then greatest(forecasts.expected_spend_90d, 0e0) * {{ days }} / 90e0
            when controls.spend is not null then greatest(controls.spend, 0e0)
        end as spend_without,
    from customers
    left join {{ ref('holdfast', 'holdfast__customer_value') }} as forecasts
        on forecasts.customer_id = customers.customer_id
    left join {{ ref('holdfast', 'holdfast__customer_lifecycle') }} as lifecycle
        on lifecycle.customer_id = customers.customer_id
        and lifecycle.churn_definition = {{ holdfast.text(holdfast.setting('churn_definition')) }}
        and {{ holdfast.state_in_force('lifecycle', as_of) }}
    left join controls on controls.segment = coalesce(lifecycle.state, 'unknown')
    left join active on active.customer_id = customers.customer_id

),

{% if models -%}
{% set names = [] -%}
{% for found in models.values() -%}
{% do names.extend(found.feature_names | reject('equalto', code) | reject('in', names) | list) -%}
{% endfor -%}
{% for driver in drivers if driver.feature not in names -%}
{% do names.append(driver.feature) -%}
{% endfor -%}
known as (

    select
        customer_id,
        {%- for name in names %}
        {{ holdfast.quoted(name) }},
        {%- endfor %}
    from {{ features }}
    where as_of = {{ holdfast.scoring_as_of() }}

),

{% for outcome, found in models.items() -%}
{% set answer = holdfast.call_model('predict', registry, found.model_id, holdfast._quoted(found.feature_names)) -%}
{{ outcome }}_by_model as (

    select
        customer_id,
        cast({{ answer }} as double) as value,
    from (
        select
            *,
            cast(0 as float) as {{ code }},
        from known
    ) as asked

),

{% if found.is_individual -%}
-- an offer that the model does not know has a code that it does not know
{{ outcome }}_codes as (

    select
        offer_id,
        case offer_key
            {%- for offer in found.parameters.offers %}
            when {{ holdfast.text(offer.offer) }} then {{ offer.code }}
            {%- endfor %}
            else -1
        end as code,
        case offer_key
            {%- for offer in found.parameters.offers %}
            when {{ holdfast.text(offer.offer) }} then {{ '%.16e' | format(offer.effect) }}
            {%- endfor %}
            else {{ '%.16e' | format(found.parameters.other_effect) }}
        end as effect,
    from (
        select
            offer_id,
            {{ holdfast.same_id('offer_id') }} as offer_key,
        from offers
    ) as keyed

),

{{ outcome }}_with as (

    select
        customer_id,
        offer_id,
        effect,
        cast({{ answer }} as double) as value,
    from (
        select
            known.*,
            codes.offer_id,
            codes.effect,
            cast(codes.code as float) as {{ code }},
        from known
        cross join {{ outcome }}_codes as codes
    ) as asked

),

{% endif -%}
{% endfor -%}
{% endif -%}
joined as (

    select
        without.customer_id,
        offers.offer_id,
        {%- for outcome in ['retained', 'spend'] %}
        {%- set found = models.get(outcome) %}
        {%- set by_model = outcome ~ '_by_model.value, ' if found else '' %}
        {%- set own = 'coalesce(' ~ by_model ~ 'without.' ~ outcome ~ '_without)' %}
        {{ own }} as {{ outcome }}_without,
        {%- if found and found.is_individual %}
        {{ outcome }}_with.value - {{ outcome }}_by_model.value - {{ outcome }}_with.effect as {{ outcome }}_own,
        {%- else %}
        cast(null as double) as {{ outcome }}_own,
        {%- endif %}
        {%- endfor %}
        coalesce(alike.status, everyone.status, 'never_sent') as status,
        alike.status is not null as is_of_segment,
        {%- for column in ['retained_average', 'retained_error', 'spend_average', 'spend_error'] %}
        case when alike.status is null then everyone.{{ column }} else alike.{{ column }} end as {{ column }},
        {%- endfor %}
        {%- for driver in drivers %}
        {%- set value = 'cast(known.' ~ holdfast.quoted(driver.feature) ~ ' as double)' %}
        {%- set value = 'sign(' ~ value ~ ') * ln(1e0 + abs(' ~ value ~ '))' if driver.is_signed_log else value %}
        coalesce({{ '%.16e' | format(driver.slope) }} * ({{ value }} - {{ '%.16e' | format(driver.centre) }}), 0e0)
            as driver_{{ loop.index }},
        {%- endfor %}
    from without
    cross join offers
    left join averages as everyone
        on everyone.offer_key = {{ holdfast.same_id('offers.offer_id') }}
        and everyone.segment = 'all'
    -- most trials are about active customers, so for the others those in the same state speak, if they are enough
    left join averages as alike
        on alike.offer_key = everyone.offer_key
        and alike.segment = without.segment
        and alike.status = 'estimated'
        and everyone.status = 'estimated'
        and not without.is_active
    {%- if drivers %}
    left join known on known.customer_id = without.customer_id
    {%- endif %}
    {%- for outcome, found in models.items() %}
    left join {{ outcome }}_by_model on {{ outcome }}_by_model.customer_id = without.customer_id
    {%- if found.is_individual %}
    left join {{ outcome }}_with
        on {{ outcome }}_with.customer_id = without.customer_id
        and {{ outcome }}_with.offer_id = offers.offer_id
    {%- endif %}
    {%- endfor %}

),

added as (

    select
        *,
        case
            when status <> 'estimated' then 'none'
            when retained_own is null and spend_own is null then 'average'
            else 'individual'
        end as effect_kind,
        {%- for outcome in ['retained', 'spend'] %}
        {%- set stretch_error = models[outcome].parameters.stretch_error if outcome in models else 0 %}
        {%- set own = 'coalesce(' ~ outcome ~ '_own, 0e0)' %}
        {%- set spread = ('%.16e' | format(stretch_error)) ~ ' * ' ~ own %}
        {%- set effect = outcome ~ '_average + ' ~ own %}
        {#- an offer takes away no more than is there, and makes nobody more than certain -#}
        {%- set bounded = 'greatest(' ~ effect ~ ', -1e0 * ' ~ outcome ~ '_without)' %}
        {%- set bounded = 'least(' ~ bounded ~ ', 1e0 - retained_without)' if outcome == 'retained' else bounded %}
        case
            when status <> 'estimated' then null
            when {{ outcome }}_own is null then {{ outcome }}_average
            else {{ bounded }}
        end as {{ outcome }}_uplift,
        sqrt({{ outcome }}_error * {{ outcome }}_error + {{ spread }} * {{ spread }}) as {{ outcome }}_wide_error,
        {%- endfor %}
        coalesce(retained_own, spend_own) >= 0e0 as is_above,
    from joined

),

judged as (

    select
        *,
        {%- for outcome in ['retained', 'spend'] %}
        {{ outcome }}_uplift - {{ reach }} * {{ outcome }}_wide_error as {{ outcome }}_uplift_lower,
        {{ outcome }}_uplift + {{ reach }} * {{ outcome }}_wide_error as {{ outcome }}_uplift_upper,
        {%- endfor %}
        {%- if drivers %}
        {%- set moved = [] %}
        {%- for driver in drivers %}
        {%- do moved.append('case when is_above then 1e0 else -1e0 end * driver_' ~ loop.index) %}
        {%- endfor %}
        case
            {%- for driver in drivers %}
            when {{ moved[loop.index0] }} > 0e0 and {{ moved[loop.index0] }} = greatest({{ moved | join(', ') }}, 0e0)
                then {{ holdfast.text(driver.theme) }}
            {%- endfor %}
        end as theme,
        {%- else %}
        cast(null as varchar) as theme,
        {%- endif %}
    from added

),

final as (

    select
        customer_id,
        offer_id,
        {{ holdfast.scoring_as_of() }} as as_of,
        {{ holdfast.as_of_date() }} as as_of_date,
        {%- set used = models.values() | map(attribute='model_id') | list %}
        cast({{ holdfast.text(used | join(' ')) if used else 'null' }} as varchar) as model_id,
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
                when effect_kind = 'individual' then {{ holdfast.told(words.individual, {
                    'with_offer': 'least(greatest(retained_without + retained_uplift, 0e0), 1e0)',
                    'without': 'retained_without', 'days': days | string,
                }) }} || case
                    when theme is null then ''
                    when is_above then {{ holdfast.told(words.more, {'theme': holdfast.theme_label('theme')}) }}
                    else {{ holdfast.told(words.less, {'theme': holdfast.theme_label('theme')}) }}
                end
                when effect_kind = 'average' then {{ holdfast.told(words.average, {
                    'points': '1e2 * retained_uplift', 'lower': '1e2 * retained_uplift_lower',
                    'upper': '1e2 * retained_uplift_upper', 'days': days | string,
                }) }} || case
                    when is_of_segment then {{ holdfast.text(words.segment) }}
                    else {{ holdfast.text(words.unknown if individual else words.alike) }}
                end
                {%- for status, phrase in words.status.items() %}
                when status = {{ holdfast.text(status) }} then {{ holdfast.text(phrase) }}
                {%- endfor %}
            end as varchar
        ) as reason,
    from judged

)

select * from final
