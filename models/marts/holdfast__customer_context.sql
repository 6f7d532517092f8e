-- what service staff and assistants need to know of one customer, as one short JSON text
{% set as_of = 'cast(' ~ holdfast.as_of_date() ~ ' as timestamp)' -%}
{% set today = holdfast.json_string(holdfast.as_of_date(), 10) -%}
{% set times = holdfast.event_times() -%}
{% set currency = holdfast.setting('currency') -%}
{% set has_tickets = holdfast.has_input('support_tickets') -%}
{% set has_issues = holdfast.has_system('service') and has_tickets -%}
{% set issue = 'coalesce(issues.topic, named_topic)' if has_issues else 'named_topic' -%}
{% set has_decisions = holdfast.has_system('decisions') -%}
{% set columns = holdfast.context_columns() -%}
{#- asked while dbt parses, too, for an input may be a ref -#}
{% set personal = {
    'orders': holdfast.personal_columns('orders'),
    'support_tickets': holdfast.personal_columns('support_tickets'),
} -%}
{% set sentences = holdfast.language().offers.left_alone -%}
{#- the reasons of contact_policy that hold for every channel, and those that hold for one -#}
{% set of_customers = [
    'global_holdout', 'do_not_contact', 'open_complaint', 'recent_complaint', 'frequency_cap', 'open_decision',
] -%}
{% set of_channels = {
    'no_consent': 'no_consent', 'consent_withdrawn': 'do_not_contact', 'channel_cap': 'channel_cap',
} -%}
{% set all_barriers = of_customers + of_channels.keys() | list -%}
{% set most_channels = 6 -%}
with

customers as (

    select * from {{ ref('holdfast', 'holdfast__customer_retention') }}

),

expected as (

    select * from {{ ref('holdfast', 'holdfast__customer_value') }}

),

{% if columns -%}
{% set members = {} -%}
{% for column in columns -%}
    {% do members.update({column: holdfast.json_string(holdfast.quoted(column), 80)}) -%}
{% endfor -%}
attributes as (

    select
        {{ holdfast.same_id('customer_id') }} as customer_key,
        max({{ holdfast.json_object(members, unless_empty=true) }}) as json,
    from {{ holdfast.input_relation('customers') }}
    group by 1

),

{% endif -%}

known_orders as (

    select
        customer_id,
        ordered_at,
        amount,
        row_number() over (
            partition by customer_id
            order by ordered_at desc nulls last, order_id desc nulls last
        ) as place,
    from {{ holdfast.as_known_at(
        ref('holdfast', 'stg_holdfast__orders'), times['stg_holdfast__orders'], as_of
    ) }} as orders
    where customer_id is not null

),

written_orders as (

    select
        customer_id,
        place,
        {{ holdfast.json_object({
            'at': holdfast.json_time('ordered_at'),
            'amount': 'null' if 'amount' in personal.orders else holdfast.json_number('amount', 2),
        }) }} as json,
    from known_orders
    where place <= 5

),

latest_orders as (

    select
        customer_id,
        {%- for place in range(1, 6) %}
        max(case when place = {{ place }} then json end) as order_{{ place }},
        {%- endfor %}
    from written_orders
    group by customer_id

),

{% if has_issues -%}
issues as (

    select
        texts.text_id,
        issues.topic,
    from {{ ref('holdfast', 'holdfast__support_issue_texts') }} as texts
    inner join {{ ref('holdfast', 'holdfast__support_issues') }} as issues on issues.topic_id = texts.topic_id
    where
        texts.source = 'ticket'
        and texts.status = 'assigned'

),

{% endif -%}

{% if has_tickets -%}
known_tickets as (

    select
        ticket_id,
        customer_id,
        opened_at,
        resolved_at,
        {{ 'cast(null as varchar)' if 'topic' in personal.support_tickets else "nullif(trim(topic), '')" }} as named_topic,
        {{ 'cast(null as double)' if 'csat' in personal.support_tickets else 'csat' }} as csat,
        row_number() over (
            partition by customer_id
            order by opened_at desc nulls last, ticket_id desc nulls last
        ) as place,
    from {{ holdfast.as_known_at(
        ref('holdfast', 'stg_holdfast__support_tickets'), times['stg_holdfast__support_tickets'], as_of
    ) }} as tickets
    where customer_id is not null

),

written_tickets as (

    select
        customer_id,
        place,
        {{ holdfast.json_object({
            'id': holdfast.json_string('ticket_id', 60),
            'opened_at': holdfast.json_time('opened_at'),
            'issue': holdfast.json_string(issue, 60),
            'topic': holdfast.json_string('named_topic', 60),
            'resolved_at': holdfast.json_time('resolved_at'),
            'csat': holdfast.json_number('csat', 1),
        }) }} as json,
    from known_tickets
    {% if has_issues -%}
    left join issues on issues.text_id = cast(known_tickets.ticket_id as varchar)
    {%- endif %}
    where place <= 5

),

latest_tickets as (

    select
        customer_id,
        {%- for place in range(1, 6) %}
        max(case when place = {{ place }} then json end) as ticket_{{ place }},
        {%- endfor %}
    from written_tickets
    group by customer_id

),

{% endif -%}

{% if has_decisions -%}
-- what may still be sent, or waits for somebody
open_decisions as (

    select
        *,
        row_number() over (
            partition by customer_id
            order by coalesce(send_at, due_at, as_of) asc nulls last, decision_id asc nulls last
        ) as place,
    from {{ ref('holdfast', 'holdfast__decisions') }}
    where status in ('needs_review', 'approved')

),

written_decisions as (

    {% set decision = {
        'id': holdfast.json_string('decision_id', 40),
        'status': holdfast.json_string('status', 20),
        'made_at': holdfast.json_time('as_of'),
        'due': holdfast.json_time('coalesce(send_at, due_at)'),
        'expires': holdfast.json_time('expires_at'),
    } -%}
    select
        customer_id,
        place,
        {{ holdfast.json_object(decision) }} as short_json,
        {{ holdfast.json_object(dict(decision, **{
            'action': holdfast.json_string('coalesce(offer_name, action)', 80),
            'channel': holdfast.json_string('channel', 40),
            'reason': holdfast.json_string('reason', 160),
            'held_because': holdfast.json_string('held_because', 40),
        })) }} as json,
    from open_decisions
    where place <= 3

),

next_decisions as (

    select
        customer_id,
        {%- for place in range(1, 4) %}
        max(case when place = {{ place }} then json end) as decision_{{ place }},
        max(case when place = {{ place }} then short_json end) as short_decision_{{ place }},
        {%- endfor %}
    from written_decisions
    group by customer_id

),

barriers as (

    select
        customer_id,
        channel,
        not is_discount_allowed as is_discount_barred,
        -- a refusal that came after the as-of date outweighs what time would heal
        case
            when
                has_refused_since
                and coalesce(dropped_because not in ('global_holdout', 'do_not_contact', 'no_consent'), true)
                then 'consent_withdrawn'
            else dropped_because
        end as barrier,
        case when not has_refused_since then next_allowed_at end as until_at,
        case when not has_refused_since then dropped_since_at end as since_at,
    from {{ ref('holdfast', 'holdfast__contact_policy') }}

),

placed_barriers as (

    select
        *,
        row_number() over (
            partition by customer_id, barrier
            order by channel asc nulls last
        ) as place,
    from barriers

),

barred as (

    select
        customer_id,
        max(case when is_discount_barred then 1 else 0 end) = 1 as is_discount_barred,
        {%- for barrier in all_barriers %}
        max(case when barrier = {{ holdfast.text(barrier) }} then place end) as {{ barrier }}_channels,
        max(case when barrier = {{ holdfast.text(barrier) }} then until_at end) as {{ barrier }}_until,
        min(case when barrier = {{ holdfast.text(barrier) }} then since_at end) as {{ barrier }}_since,
        {%- endfor %}
        {%- for number in range(most_channels * of_channels | length) %}
        {%- set barrier = (of_channels.keys() | list)[number // most_channels] %}
        {%- set place = number % most_channels + 1 %}
        {%- set is_listed = 'barrier = ' ~ holdfast.text(barrier) ~ ' and place = ' ~ place %}
        max(case when {{ is_listed }} then channel end) as {{ barrier }}_channel_{{ place }},
        {%- endfor %}
    from placed_barriers
    group by customer_id

),

written_barriers as (

    select
        customer_id,
        {%- for barrier in all_barriers %}
        {%- set channels = [] %}
        {%- for place in range(1, most_channels + 1 if barrier in of_channels else 1) %}
        {%- do channels.append(holdfast.json_string(barrier ~ '_channel_' ~ place, 40)) %}
        {%- endfor %}
        {%- set rule = {
            'rule': holdfast.text(tojson('no_contact')),
            'code': holdfast.text(tojson(barrier)),
            'why': holdfast.text(tojson(sentences[of_channels.get(barrier, barrier)])),
            'since': holdfast.json_time(barrier ~ '_since'),
            'until': holdfast.json_time(barrier ~ '_until'),
        } %}
        case
            when {{ barrier }}_channels is not null
                then {{ holdfast.json_object(rule) }}
        end as short_{{ barrier }},
        {%- if channels %}
        case
            when {{ barrier }}_channels > {{ most_channels }} then {{ holdfast.json_object(rule) }}
            when {{ barrier }}_channels is not null
                then {{ holdfast.json_object(dict(rule, channels=holdfast.json_list(channels))) }}
        end as full_{{ barrier }},
        {%- endif %}
        {%- endfor %}
        case
            when is_discount_barred
                then {{ holdfast.json_object({
                    'rule': holdfast.text(tojson('no_discount')),
                    'code': holdfast.text(tojson('discount_gap')),
                    'why': holdfast.text(tojson(sentences.discount_gap)),
                }) }}
        end as no_discount,
    from barred

),

{% endif -%}

{% set risk = {
    'as_of': today,
    'status': holdfast.json_string('customers.status', 30),
    'probability': holdfast.json_number('customers.churn_probability', 4),
    'band': holdfast.json_string('customers.risk_band', 20),
    'model_id': holdfast.json_string('customers.model_id', 80),
} -%}
{% set reasons = [
    holdfast.json_string('customers.reason_1', 160),
    holdfast.json_string('customers.reason_2', 160),
    holdfast.json_string('customers.reason_3', 160),
] -%}
parts as (

    select
        customers.customer_id,
        {{ holdfast.json_object({
            'id': holdfast.json_string('customers.customer_id', 120),
            'since': holdfast.json_time('customers.created_at'),
            'segment': holdfast.json_string('customers.segment', 60),
            'state': holdfast.json_string('customers.lifecycle_state', 30),
            'state_since': holdfast.json_time('customers.state_entered_at'),
        }) }} as customer,
        {{ 'attributes.json' if columns else 'cast(null as varchar)' }} as attributes,
        {{ holdfast.json_object({
            'as_of': today,
            'currency': holdfast.text(tojson(currency)) if currency else 'null',
            'orders': holdfast.json_number('customers.order_count', 0),
            'revenue': holdfast.json_number('customers.revenue', 2),
            'revenue_365d': holdfast.json_number('customers.revenue_365d', 2),
            'last_order_at': holdfast.json_time('customers.last_order_at'),
            'expected_next_order_at': holdfast.json_time('customers.expected_next_order_at'),
            'expected_orders_365d': holdfast.json_number('expected.expected_orders_365d', 2),
            'expected_spend_365d': holdfast.json_number('expected.expected_spend_365d', 2),
            'value_percentile': holdfast.json_number('expected.value_percentile', 3),
        }) }} as value,
        {{ holdfast.json_object(risk) }} as short_risk,
        {{ holdfast.json_object(dict(
            risk, reasons='case when customers.reason_1 is not null then ' ~ holdfast.json_list(reasons) ~ ' end'
        )) }} as risk,
        {%- for count in [5, 2] %}
        {%- set items = [] %}
        {%- for place in range(1, count + 1) %}
        {%- do items.append('latest_orders.order_' ~ place) %}
        {%- endfor %}
        {{ holdfast.json_list(items) }} as orders_{{ count }},
        {%- endfor %}
        {%- for count in [5, 2] %}
        {%- set items = [] %}
        {%- for place in range(1, count + 1) %}
        {%- do items.append('latest_tickets.ticket_' ~ place) %}
        {%- endfor %}
        {{ holdfast.json_list(items) if has_tickets else 'cast(null as varchar)' }} as tickets_{{ count }},
        {%- endfor %}
        {%- for form in ['', 'short_'] %}
        {%- set items = [] %}
        {%- for place in range(1, 4) %}
        {%- do items.append('next_decisions.' ~ form ~ 'decision_' ~ place) %}
        {%- endfor %}
        {{ holdfast.json_list(items) if has_decisions else 'cast(null as varchar)' }} as {{ form }}decisions,
        {%- endfor %}
        {%- for form in ['full_', 'short_'] %}
        {%- set items = [] %}
        {%- for barrier in all_barriers %}
        {%- do items.append('written_barriers.' ~ (form if barrier in of_channels else 'short_') ~ barrier) %}
        {%- endfor %}
        {%- do items.append('written_barriers.no_discount') %}
        {{ holdfast.json_list(items) if has_decisions else 'cast(null as varchar)' }} as {{ form }}do_not,
        {%- endfor %}
    from customers
    left join expected on expected.customer_id = customers.customer_id
    {%- if columns %}
    left join attributes on attributes.customer_key = {{ holdfast.same_id('customers.customer_id') }}
    {%- endif %}
    left join latest_orders on latest_orders.customer_id = customers.customer_id
    {%- if has_tickets %}
    left join latest_tickets on latest_tickets.customer_id = customers.customer_id
    {%- endif %}
    {%- if has_decisions %}
    left join next_decisions on next_decisions.customer_id = customers.customer_id
    left join written_barriers on written_barriers.customer_id = customers.customer_id
    {%- endif %}

),

{# What is cut where the text would be too long, in this order: the last form is short because each text of it is. -#}
{% set forms = [
    {},
    {'orders': 'orders_2', 'tickets': 'tickets_2'},
    {'orders': 'orders_2', 'tickets': 'tickets_2', 'attributes': 'null'},
    {
        'orders': 'null', 'tickets': 'null', 'attributes': 'null',
        'risk': 'short_risk', 'decisions': 'short_decisions', 'do_not': 'short_do_not',
    },
] -%}
{% set whole = {
    'schema': holdfast.text(tojson('holdfast/customer_context/1')),
    'as_of': today,
    'customer': 'customer',
    'attributes': 'attributes',
    'value': 'value',
    'risk': 'risk',
    'orders': 'orders_5',
    'tickets': 'tickets_5',
    'decisions': 'decisions',
    'do_not': 'full_do_not',
} -%}
drafts as (

    select
        customer_id,
        {%- for form in forms %}
        {{ holdfast.json_object(dict(
            whole, **dict(form, **({'shortened': holdfast.text(tojson(form.keys() | list))} if form else {}))
        )) }} as form_{{ loop.index }},
        {%- endfor %}
    from parts

),

final as (

    select
        customer_id,
        {{ holdfast.as_of_date() }} as as_of_date,
        cast(
            case
                {%- for form in forms[:-1] %}
                when bit_length(form_{{ loop.index }}) < 8 * 4000 then form_{{ loop.index }}
                {%- endfor %}
                else form_{{ forms | length }}
            end as varchar
        ) as context,
    from drafts

)

select * from final
