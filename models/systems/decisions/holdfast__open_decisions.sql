{{ config(enabled=holdfast.has_system('decisions')) }}
{#-
  The log lies downstream of the contact policy, which the next decisions are made under: a ref would be a circle. Only days
  before this one count, which this build does not write.
-#}
{% set as_of = 'cast(' ~ holdfast.as_of_date() ~ ' as timestamp)' -%}
{% set log = holdfast.former_decisions() -%}
{#- as in decisions -#}
{% set default_days = 14 -%}
{#- while dbt parses, the refs below are to be found -#}
{% if execute and log is none -%}
select
    cast(null as varchar) as decision_id,
    customer_id,
    cast(null as timestamp) as as_of,
    cast(null as timestamp) as expires_at,
from {{ ref('holdfast', 'stg_holdfast__campaign_sends') }}
where false
{%- else -%}
with

logged as (

    select
        *,
        action = 'leave_alone' or arm = 'holdout' as is_idle,
        {{ as_of }} as judged_at,
        coalesce(expires_at, as_of + interval {{ default_days }} day) as ends_at,
    from {{ log }}
    where as_of < {{ as_of }}

),

sent as (

    select distinct nullif(trim(decision_id), '') as decision_id
    from {{ holdfast.as_known_at(
        ref('holdfast', 'stg_holdfast__campaign_sends'), holdfast.event_times()['stg_holdfast__campaign_sends'], as_of
    ) }} as sends
    where decision_id is not null

),

verdicts as (

    {{ holdfast.decision_verdicts('logged', log) | indent(4) }}

),

-- approved, or waiting for somebody: what was left alone is open only where a person has put something in its place
final as (

    select
        logged.decision_id,
        logged.customer_id,
        logged.as_of,
        logged.ends_at as expires_at,
    from logged
    left join verdicts on verdicts.judged_id = logged.decision_id
    where
        logged.ends_at > {{ as_of }}
        and coalesce(verdicts.verdict <> 'veto', true)
        and (not logged.is_idle or verdicts.replacement is not null)
        and logged.decision_id not in (
            select decision_id
            from sent
            where decision_id is not null
        )

)

select * from final
{%- endif %}
