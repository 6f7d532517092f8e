{#-
  The select of the subscriptions with the memberships that they make: those of a customer that overlap, or follow each
  other within the allowed gap, are one membership and share its `lapsed_at`, far in the future while one of them runs.
  `as_of`, a SQL expression, leaves out what was not known then: later subscriptions, and ends that were still to come.
  `runs_until` is the end of a subscription, or the beginning of the next one where a gap of the membership lies between:
  what is bridged for churn is bridged for all that runs.

  Ends are moments, the first one without the subscription. Where a customer's next subscription begins a day after the
  midnight at which the last one ended, midnights stand for days, the last one included, and are moved to the next one.
-#}
{% macro memberships(allowed_gap_days, as_of=none) %}
with

followed as (

    select
        *,
        lead(started_at) over (partition by customer_id order by started_at asc nulls last, ended_at asc nulls last) as next_started_at,
    from {{ ref('holdfast', 'stg_holdfast__subscriptions') }}

),

dated as (

    select
        customer_id,
        started_at,
        mrr,
        case
            when
                ended_at = date_trunc('day', ended_at)
                and max(
                    case
                        when next_started_at = ended_at + interval 1 day and ended_at = date_trunc('day', ended_at) then 1
                        else 0
                    end
                ) over (partition by customer_id) = 1
                then ended_at + interval 1 day
            else ended_at
        end as ended_at,
    from followed

),

subscriptions as (

    select
        customer_id,
        started_at,
        mrr,
        {% if as_of -%}
        case when ended_at < {{ as_of }} then ended_at else timestamp '9999-01-01' end as ended_at,
        {%- else -%}
        coalesce(ended_at, timestamp '9999-01-01') as ended_at,
        {%- endif %}
    from dated
    where
        (ended_at is null or ended_at > started_at)
        {%- if as_of %}
        and started_at < {{ as_of }}
        {%- endif %}

),

-- a subscription that begins within the allowed gap carries on the membership before it
began as (

    select
        *,
        coalesce(
            started_at > interval {{ allowed_gap_days }} day + max(ended_at) over (
                partition by customer_id
                order by started_at asc nulls last, ended_at asc nulls last
                rows between unbounded preceding and 1 preceding
            ),
            true
        ) as is_new,
    from subscriptions

),

numbered as (

    select
        *,
        sum(cast(is_new as integer)) over (
            partition by customer_id order by started_at asc nulls last, ended_at asc nulls last
        ) as membership,
    from began

)

select
    *,
    max(ended_at) over (partition by customer_id, membership) as lapsed_at,
    -- only the last one that ended leads over to the next
    case
        when
            ended_at = max(ended_at) over (
                partition by customer_id, membership
                order by started_at asc nulls last, ended_at asc nulls last
                rows between unbounded preceding and current row
            )
            then greatest(
                ended_at,
                lead(started_at) over (partition by customer_id, membership order by started_at asc nulls last, ended_at asc nulls last)
            )
        else ended_at
    end as runs_until,
from numbered
{%- endmacro %}
