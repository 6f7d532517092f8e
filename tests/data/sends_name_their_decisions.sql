{{ config(enabled=holdfast.has_system('decisions'), severity='warn') }}
-- a send that names a decision which nobody made, or made for another customer, closes none, and is no result of any
select
    sends.send_id,
    sends.decision_id,
    case when log.decision_id is null then 'no decision has this id' else 'the decision is about another customer' end as problem,
from {{ ref('holdfast', 'stg_holdfast__campaign_sends') }} as sends
left join {{ ref('holdfast', 'holdfast__decision_log') }} as log on log.decision_id = nullif(trim(sends.decision_id), '')
where
    nullif(trim(sends.decision_id), '') is not null
    and (log.decision_id is null or log.customer_id <> sends.customer_id)
