{#-
  The select of contractual churn labels, for every row of the spine: a customer with a running subscription at as_of has
  churned when the subscription lapses in [as_of + lead, as_of + lead + horizon) and no other one begins within the allowed
  gap after it. That is known only when the gap is over, too: horizon_ends_at includes it.
  Within the gap after an end nobody knows yet whether another one follows, so it runs on for all who ask then; where none
  follows, it counts as lapsed at as_of.
  NULL, besides labels that are not over: customers without a running subscription, who have nothing to lapse, and those
  whose subscription lapses before the horizon begins, for whom every action would come too late.
-#}
{% macro lapse_labels(horizon_days, lead_days, allowed_gap_days, spine) %}
with

spine as (

    select
        customer_id,
        as_of,
        as_of + interval {{ lead_days }} day as horizon_starts_at,
        as_of + interval {{ lead_days + horizon_days }} day as lapses_end_at,
        as_of + interval {{ lead_days + horizon_days + allowed_gap_days }} day as horizon_ends_at,
    from {{ spine }}

),

known as (

    select {{ holdfast.known_until() }} as known_until,

),

-- what lies after the as-of date needs no care here: a label that could depend on it is not mature
memberships as (

    {{ holdfast.memberships(allowed_gap_days) | indent(4) }}

),

running as (

    select distinct
        spine.customer_id,
        spine.as_of,
        greatest(memberships.lapsed_at, spine.as_of) as lapsed_at,
    from spine
    inner join memberships
        on memberships.customer_id = spine.customer_id
        and memberships.started_at < spine.as_of
        and memberships.ended_at >= spine.as_of - interval {{ allowed_gap_days }} day

),

final as (

    select
        spine.customer_id,
        spine.as_of,
        spine.horizon_ends_at,
        spine.horizon_ends_at <= known.known_until as is_mature,
        case
            when
                spine.horizon_ends_at <= known.known_until
                and running.lapsed_at >= spine.horizon_starts_at
                then running.lapsed_at < spine.lapses_end_at
        end as churned,
    from spine
    cross join known
    left join running
        on running.customer_id = spine.customer_id
        and running.as_of = spine.as_of

)

select * from final
{%- endmacro %}
