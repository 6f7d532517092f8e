{{ config(enabled=holdfast.has_system('service')) }}
-- how satisfied customers were, month by month: NPS of survey answers, CSAT of tickets
{% set as_of = 'cast(' ~ holdfast.as_of_date() ~ ' as timestamp)' -%}
{% set definition = holdfast.text(holdfast.setting('churn_definition')) -%}
{% set columns = holdfast.customer_segment_columns() if holdfast.setting('segments') else [] -%}
{% set least = holdfast.setting('least_group') -%}
{% set has_tickets = holdfast.has_input('support_tickets') -%}
{% set tells_asked = holdfast.told_by('feedback', 'asked_at', 'true', 'boolean') -%}
{#- where nobody writes down when tickets are resolved, a rating counts from the day of its ticket -#}
{% set tells_resolved = holdfast.told_by('support_tickets', 'resolved_at', 'true', 'boolean') -%}
{% set customers = {'answers': 'answer_customers', 'ratings': 'rating_customers', 'asked': 'asked_customers'} -%}
{% set kinds = customers.keys() | list -%}
{% set shown = {} -%}
{% for kind in kinds -%}
{% do shown.update({
    'shows_' ~ kind: 'keeps_' ~ kind ~ " = 1 and min(case when topic_id = 'all' then keeps_" ~ kind
    ~ ' end) over (partition by month, segment_by, segment) = 1',
}) -%}
{% endfor -%}
{#- sqlfluff cannot place what spans lines in a loop #}
-- noqa: disable=LT02
with

-- a row that is there twice is one answer
feedback as (

    select distinct
        customer_id,
        answered_at,
        score,
        comment,
        asked_at,
    from {{ ref('holdfast', 'stg_holdfast__feedback') }}
    where customer_id is not null

),

answers as (

    select
        customer_id,
        answered_at,
        case when {{ holdfast.is_finite('score') }} then score end as score,
        coalesce(trim(comment) <> '', false) as has_comment,
    from feedback
    where answered_at < {{ as_of }}

),

tickets as (

    select
        ticket_id,
        customer_id,
        opened_at,
        case when {{ tells_resolved }} then resolved_at else opened_at end as rated_at,
        case when {{ holdfast.is_finite('csat') }} then csat end as csat,
    from {{ ref('holdfast', 'stg_holdfast__support_tickets') }}
    where
        customer_id is not null
        and opened_at < {{ as_of }}
        and coalesce(loaded_at, opened_at) < {{ as_of }}

),

-- NPS is defined for 0 to 10, CSAT for 1 to 5; what is on another scale is neither
answer_scale as (

    select
        case
            -- a scale that ends at 7 has neither a nine nor a ten
            when
                within_ten >= 0.95e0 * scores
                and above_five >= 0.01e0 * scores
                and (above_eight > 0 or scores < 20)
                then 'nps'
            when within_five >= 0.95e0 * scores and scores >= 20 then 'csat'
            else 'other'
        end as scale,
    from (
        select
            count(score) as scores,
            count(case when score between 0e0 and 10e0 then 1 end) as within_ten,
            count(case when score > 5e0 and score <= 10e0 then 1 end) as above_five,
            count(case when score > 8e0 and score <= 10e0 then 1 end) as above_eight,
            count(case when score between 1e0 and 5e0 then 1 end) as within_five,
        from answers
    ) as counted

),

ticket_scale as (

    select
        case
            when within_five >= 0.95e0 * scores and (above_one > 0 or scores < 20) then 'csat'
            else 'other'
        end as scale,
    from (
        select
            count(csat) as scores,
            count(case when csat between 1e0 and 5e0 then 1 end) as within_five,
            count(case when csat > 1e0 and csat <= 5e0 then 1 end) as above_one,
        from tickets
        where rated_at < {{ as_of }}
    ) as counted

),

-- two answers of a customer at the same moment share a topic
topics as (

    select
        source,
        case when source = 'ticket' then text_id end as ticket_key,
        customer_id,
        written_at,
        min(topic_id) as topic_id,
    from {{ ref('holdfast', 'holdfast__support_issue_texts') }}
    where status in ('assigned', 'other')
    group by source, case when source = 'ticket' then text_id end, customer_id, written_at

),

ticket_times as (

    select
        customer_id,
        opened_at,
    from tickets
    group by customer_id, opened_at

),

-- a ticket around the answer: in the 30 days before it or after it
noticed as (

    select distinct
        answers.customer_id,
        answers.answered_at,
    from answers
    inner join ticket_times
        on ticket_times.customer_id = answers.customer_id
        and ticket_times.opened_at >= {{ holdfast.plus_days('answers.answered_at', -30) }}
        and ticket_times.opened_at <= {{ holdfast.plus_days('answers.answered_at', 30) }}

),

facts as (

    select
        answers.customer_id,
        answers.answered_at as happened_at,
        coalesce(topics.topic_id, 'none') as topic_id,
        1 as is_answer,
        case when answer_scale.scale = 'nps' and answers.score between 0e0 and 10e0 then answers.score end as nps_score,
        case
            when answer_scale.scale = 'csat' and answers.score between 1e0 and 5e0
                then answers.score
        end as csat_score,
        answer_scale.scale = 'other' and answers.score is not null as is_other_nps,
        false as is_other_csat,
        answers.has_comment,
        noticed.customer_id is null as lacks_ticket,
        0 as is_asked,
        0 as is_answered,
    from answers
    cross join answer_scale
    left join topics
        on topics.source = 'feedback'
        and topics.customer_id = answers.customer_id
        and topics.written_at = answers.answered_at
        and answers.has_comment
    left join noticed
        on noticed.customer_id = answers.customer_id
        and noticed.answered_at = answers.answered_at

    union all

    select
        tickets.customer_id,
        tickets.rated_at as happened_at,
        coalesce(topics.topic_id, 'none') as topic_id,
        0 as is_answer,
        cast(null as double) as nps_score,
        case
            when ticket_scale.scale = 'csat' and tickets.csat between 1e0 and 5e0
                then tickets.csat
        end as csat_score,
        false as is_other_nps,
        ticket_scale.scale = 'other' as is_other_csat,
        false as has_comment,
        false as lacks_ticket,
        0 as is_asked,
        0 as is_answered,
    from tickets
    cross join ticket_scale
    left join topics
        on topics.source = 'ticket'
        and topics.ticket_key = cast(tickets.ticket_id as varchar)
    where
        tickets.csat is not null
        and tickets.rated_at < {{ as_of }}

    union all

    -- what was asked about has no topic
    select
        customer_id,
        asked_at as happened_at,
        cast(null as varchar) as topic_id,
        0 as is_answer,
        cast(null as double) as nps_score,
        cast(null as double) as csat_score,
        false as is_other_nps,
        false as is_other_csat,
        false as has_comment,
        false as lacks_ticket,
        1 as is_asked,
        case when answered_at < {{ as_of }} then 1 else 0 end as is_answered,
    from feedback
    where asked_at < {{ as_of }}

),

numbered as (

    select
        *,
        cast(date_trunc('month', happened_at) as date) as month,
        row_number() over (
            order by
                happened_at asc nulls last, customer_id asc nulls last, topic_id asc nulls last,
                is_answer asc nulls last, is_answered asc nulls last, nps_score asc nulls last,
                csat_score asc nulls last
        ) as fact,
    from facts

),

-- the state that the customer was in then: the state of today would say who has left since
members as (

    select
        numbered.fact,
        'all' as segment_by,
        'all' as segment,
    from numbered

    union all

    select
        numbered.fact,
        'lifecycle_state' as segment_by,
        coalesce(min(lifecycle.state), 'never_ordered') as segment,
    from numbered
    left join {{ ref('holdfast', 'holdfast__customer_lifecycle') }} as lifecycle
        on lifecycle.customer_id = numbered.customer_id
        and lifecycle.churn_definition = {{ definition }}
        and {{ holdfast.state_in_force('lifecycle', 'numbered.happened_at') }}
    group by numbered.fact
    {%- for column in columns %}

    union all

    select
        numbered.fact,
        {{ holdfast.text(column.name) }} as segment_by,
        coalesce(min(attributes.segment), 'unknown') as segment,
    from numbered
    left join (
        select
            customer_id,
            {{ column.segment }} as segment,
        from {{ holdfast.input_relation('customers') }}
    ) as attributes on attributes.customer_id = numbered.customer_id
    group by numbered.fact
    {%- endfor %}

),

sorted_facts as (

    select
        numbered.*,
        members.segment_by,
        members.segment,
    from numbered
    inner join members on members.fact = numbered.fact

),

counted_segments as (

    select
        month,
        segment_by,
        segment,
        count(distinct customer_id) as customers,
    from sorted_facts
    group by month, segment_by, segment

),

merged_segments as (

    select
        *,
        case
            when {{ holdfast.is_small_group('customers', ['segment'], ['month', 'segment_by']) }} then 'other'
            else segment
        end as merged_segment,
    from counted_segments
    where segment_by <> 'all'

    union all

    select
        *,
        segment as merged_segment,
    from counted_segments
    where segment_by = 'all'

),

in_segments as (

    select
        sorted_facts.*,
        merged_segments.merged_segment,
    from sorted_facts
    inner join merged_segments
        on merged_segments.month = sorted_facts.month
        and merged_segments.segment_by = sorted_facts.segment_by
        and merged_segments.segment = sorted_facts.segment

),

counted_topics as (

    select
        month,
        segment_by,
        merged_segment,
        topic_id,
        count(distinct customer_id) as customers,
    from in_segments
    where topic_id is not null
    group by month, segment_by, merged_segment, topic_id

),

merged_topics as (

    select
        *,
        case
            when {{ holdfast.is_small_group(
                'customers', ['topic_id'], ['month', 'segment_by', 'merged_segment'], overlapping=true
            ) }} then 'other'
            else topic_id
        end as merged_topic,
    from counted_topics

),

rows_of_groups as (

    select
        in_segments.*,
        'all' as merged_topic,
    from in_segments

    union all

    select
        in_segments.*,
        merged_topics.merged_topic,
    from in_segments
    inner join merged_topics
        on merged_topics.month = in_segments.month
        and merged_topics.segment_by = in_segments.segment_by
        and merged_topics.merged_segment = in_segments.merged_segment
        and merged_topics.topic_id = in_segments.topic_id

),

summed as (

    select
        month,
        segment_by,
        merged_segment as segment,
        merged_topic as topic_id,
        count(distinct case when is_answer = 1 then customer_id end) as answer_customers,
        count(distinct case when csat_score is not null or is_other_csat then customer_id end) as rating_customers,
        count(distinct case when is_asked = 1 then customer_id end) as asked_customers,
        sum(is_answer) as answers,
        count(nps_score) as scored,
        count(case when nps_score >= 9e0 then 1 end) as promoters,
        count(case when nps_score <= 6e0 then 1 end) as detractors,
        count(case when nps_score <= 6e0 and lacks_ticket then 1 end) as silent_detractors,
        count(csat_score) as ratings,
        count(case when csat_score >= 4e0 then 1 end) as satisfied,
        count(case when has_comment then 1 end) as comments,
        max(case when is_other_nps then 1 else 0 end) = 1 as has_other_nps,
        max(case when is_other_csat then 1 else 0 end) = 1 as has_other_csat,
        sum(is_asked) as asked,
        sum(is_answered) as answered,
    from rows_of_groups
    group by month, segment_by, merged_segment, merged_topic

),

-- an answer of each kind is added before the variance is taken: that of ten answers that are all alike is not zero
shares as (

    select
        *,
        100e0 * (promoters - detractors) / cast(nullif(scored, 0) as double) as nps,
        (promoters - detractors) / cast(scored + 3 as double) as middle,
        (promoters + detractors + 2) / cast(scored + 3 as double) as extremes,
        satisfied / cast(nullif(ratings, 0) as double) as csat,
        {{ holdfast.wilson_bound('satisfied', 'ratings', 'lower') }} as csat_lower,
        {{ holdfast.wilson_bound('satisfied', 'ratings', 'upper') }} as csat_upper,
        -- that nobody has answered tells nothing about anybody
        answer_customers = 0 or answer_customers >= {{ least }} as shows_answers,
        rating_customers = 0 or rating_customers >= {{ least }} as shows_ratings,
        asked_customers = 0 or asked_customers >= {{ least }} as shows_asked,
    from summed

),

-- a single part that is not told would be the whole less the others, so the next smallest is not told either
ranked as (

    select
        *,
        {% for kind in kinds -%}
        sum(case when shows_{{ kind }} then 0 else 1 end) over (parts) as hidden_{{ kind }},
        row_number() over (
            partition by month, segment_by, topic_id, shows_{{ kind }} and {{ customers[kind] }} > 0
            order by {{ customers[kind] }} asc nulls last, segment asc nulls last
        ) as place_{{ kind }},
        {% endfor -%}
    from shares
    window parts as (partition by month, segment_by, topic_id)

),

kept as (

    select
        *,
        {% for kind in kinds -%}
        case
            when not shows_{{ kind }} then 0
            when hidden_{{ kind }} <> 1 or place_{{ kind }} > 1 then 1
            when segment_by = 'all' or {{ customers[kind] }} = 0 then 1
            else 0
        end as keeps_{{ kind }},
        {% endfor -%}
    from ranked

),

-- nor do the topics of a group tell what the group does not
guarded as (

    select
        {{ holdfast.all_with(shown) }}
    from kept

),

drawn as (

    select
        *,
        1.96e0 * sqrt((extremes - middle * middle) / cast(scored + 3 as double)) as half_width,
    from guarded

),

issues as (

    select
        topic_id,
        topic,
    from {{ ref('holdfast', 'holdfast__support_issues') }}

),

final as (

    select
        {{ holdfast.as_of_date() }} as as_of_date,
        drawn.month,
        {{ holdfast.plus_months('cast(drawn.month as timestamp)', 1) }} <= {{ as_of }} as is_complete,
        cast(drawn.segment_by as varchar) as segment_by,
        cast(drawn.segment as varchar) as segment,
        cast(drawn.topic_id as varchar) as topic_id,
        cast(case drawn.topic_id
            when 'all' then 'all'
            when 'none' then 'Without a topic'
            else coalesce(issues.topic, drawn.topic_id)
        end as varchar) as topic,
        cast(case
            when not drawn.shows_answers then 'few_customers'
            when drawn.scored > 0 then 'measured'
            when drawn.has_other_nps then 'other_scale'
            else 'no_scores'
        end as varchar) as nps_status,
        cast(case
            when not drawn.shows_ratings then 'few_customers'
            when drawn.ratings > 0 then 'measured'
            when drawn.has_other_csat then 'other_scale'
            else 'no_scores'
        end as varchar) as csat_status,
        cast(case when drawn.shows_answers then drawn.answers end as bigint) as answers,
        cast(case when drawn.shows_answers then drawn.scored end as bigint) as scores,
        case when drawn.shows_answers then round(drawn.nps, 4) end as nps,
        case
            when drawn.shows_answers and drawn.scored > 0
                then round(100e0 * greatest(-1e0, drawn.middle - drawn.half_width), 4)
        end as nps_lower,
        case
            when drawn.shows_answers and drawn.scored > 0
                then round(100e0 * least(1e0, drawn.middle + drawn.half_width), 4)
        end as nps_upper,
        cast(case when drawn.shows_ratings then drawn.ratings end as bigint) as ratings,
        case when drawn.shows_ratings then round(drawn.csat, 6) end as csat,
        case when drawn.shows_ratings then round(drawn.csat_lower, 6) end as csat_lower,
        case when drawn.shows_ratings then round(drawn.csat_upper, 6) end as csat_upper,
        cast(case when drawn.shows_answers then drawn.comments end as bigint) as comments,
        cast(case when drawn.shows_answers and drawn.scored > 0 then drawn.detractors end as bigint) as detractors,
        {% if has_tickets -%}
        cast(
            case when drawn.shows_answers and drawn.scored > 0 then drawn.silent_detractors end as bigint
        ) as detractors_without_ticket,
        {%- else -%}
        cast(null as bigint) as detractors_without_ticket,
        {%- endif %}
        {% for count in ['asked', 'answered'] -%}
        -- NULL where nobody has said who was asked, and for a topic, which a question has none of
        cast(case
            when drawn.shows_asked and drawn.topic_id = 'all' and {{ tells_asked }}
                then drawn.{{ count }}
        end as bigint) as {{ count }},
        {% endfor -%}
    from drawn
    left join issues on issues.topic_id = drawn.topic_id

)

select * from final
