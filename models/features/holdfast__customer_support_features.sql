{{ config(enabled=holdfast.has_input('support_tickets')) }}
with

tickets as (

    select
        *,
        coalesce({{ holdfast.is_complaint('topic') }}, false) as is_complaint,
    from {{ ref('holdfast', 'stg_holdfast__support_tickets') }}

),

-- being resolved is an event of its own, at its own time; csat is given then
resolutions as (

    select
        customer_id,
        ticket_id,
        loaded_at,
        csat,
        greatest(opened_at, resolved_at) as resolved_at,
        date_sub('second', opened_at, greatest(opened_at, resolved_at)) as seconds_open,
    from {{ ref('holdfast', 'stg_holdfast__support_tickets') }}
    where resolved_at is not null

),

ticket_features as (

    {{ holdfast.feature_view(
        spine=ref('holdfast', 'holdfast__customer_spine'),
        events=api.Relation.create(identifier='tickets'),
        event_at='opened_at',
        known_at='loaded_at',
        windows=[30, 90, 365],
        features={
            'ticket_count': {'sql': 'count(*)', 'empty': 0},
            'complaint_count': {'sql': 'count(*)', 'where': 'is_complaint', 'empty': 0, 'windows': [90, 365]},
        },
        lifetime={
            'opened': {'sql': 'count(*)', 'empty': 0},
        },
        recency={
            'ticket_days_since': 'opened_at',
        },
    ) | indent(4) }}

),

resolution_features as (

    {{ holdfast.feature_view(
        spine=ref('holdfast', 'holdfast__customer_spine'),
        events=api.Relation.create(identifier='resolutions'),
        event_at='resolved_at',
        known_at='loaded_at',
        windows=[90, 365],
        features={
            'resolved': {'sql': 'count(*)', 'empty': 0},
            'seconds_open': {'sql': 'sum(seconds_open)'},
            'ticket_csat_mean': {'sql': 'avg(csat)', 'windows': [365]},
        },
        lifetime={
            'resolved': {'sql': 'count(*)', 'empty': 0},
            'ticket_csat_last': {'sql': holdfast.value_at_max('csat', '(resolved_at, ticket_id)'), 'where': 'csat is not null'},
        },
    ) | indent(4) }}

),

final as (

    select
        ticket_features.customer_id,
        ticket_features.as_of,
        ticket_features.ticket_count_30d,
        ticket_features.ticket_count_90d,
        ticket_features.ticket_count_365d,
        {{ holdfast.told_by(
            'support_tickets', 'resolved_at', 'ticket_features.opened - resolution_features.resolved', 'bigint'
        ) }} as ticket_open_count,
        {{ holdfast.told_by('support_tickets', 'topic', 'ticket_features.complaint_count_90d', 'bigint') }}
            as ticket_complaint_count_90d,
        {{ holdfast.told_by('support_tickets', 'topic', 'ticket_features.complaint_count_365d', 'bigint') }}
            as ticket_complaint_count_365d,
        {{ holdfast.told_by('support_tickets', 'topic', 'ticket_features.complaint_count_365d', 'bigint') }}
        / cast(nullif(ticket_features.ticket_count_365d, 0) as double) as ticket_complaint_share_365d,
        ticket_features.ticket_days_since,
        resolution_features.seconds_open_90d
        / cast(nullif(resolution_features.resolved_90d * 86400, 0) as double) as ticket_resolution_days_90d,
        resolution_features.seconds_open_365d
        / cast(nullif(resolution_features.resolved_365d * 86400, 0) as double) as ticket_resolution_days_365d,
        resolution_features.ticket_csat_last,
        resolution_features.ticket_csat_mean_365d,
    from ticket_features
    inner join resolution_features
        on resolution_features.customer_id = ticket_features.customer_id
        and resolution_features.as_of = ticket_features.as_of

)

select * from final
