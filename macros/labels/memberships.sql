{#-
  The select of the subscriptions with the memberships that they make: those of a customer that overlap, or follow each
  other within the allowed gap, are one membership and share its `lapsed_at`, far in the future while one of them runs.
  `as_of`, a SQL expression, leaves out what was not known then: later subscriptions, and ends that were still to come.
-#}
{% macro memberships(allowed_gap_days, as_of=none) %}
with

subscriptions as (

    select
        customer_id,
        started_at,
        {% if as_of -%}
        case when ended_at < {{ as_of }} then ended_at else timestamp '9999-01-01' end as ended_at,
        {%- else -%}
        coalesce(ended_at, timestamp '9999-01-01') as ended_at,
        {%- endif %}
    from {{ ref('holdfast', 'stg_holdfast__subscriptions') }}
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
from numbered
{%- endmacro %}
