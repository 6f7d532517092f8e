{{ config(
    enabled=holdfast.has_system('decisions'),
    materialized='incremental',
    unique_key='as_of',
    on_schema_change='append_new_columns',
    full_refresh=holdfast.setting('reset'),
) }}
-- what was proposed for whom: a build rewrites the proposals of its own day, as far as nobody has acted on them
{% set as_of = 'cast(' ~ holdfast.as_of_date() ~ ' as timestamp)' -%}
{#- dbt must see these while it parses, when no table is there to be added to -#}
{% set approvals = ref('holdfast', 'stg_holdfast__approvals') -%}
{% set sends = ref('holdfast', 'stg_holdfast__campaign_sends') -%}
{% set offers = ref('holdfast', 'stg_holdfast__offers') -%}
with

proposals as (

    {{ holdfast.policy_proposals() | indent(4) }}

),

{% if is_incremental() -%}
latest as (

    select max(as_of) as as_of
    from {{ this }}

),

logged as (

    select
        log.*,
        log.action = 'leave_alone' or log.arm = 'holdout' as is_idle,
        {{ as_of }} as judged_at,
        -- a day that others have followed stays as it is
        latest.as_of > {{ as_of }} as is_history,
    from {{ this }} as log
    cross join latest
    where log.as_of = {{ as_of }}

),

verdicts as (

    {{ holdfast.decision_verdicts('logged', this) | indent(4) }}

),

-- whenever it was said: what a person or a send names must stay, and so must what may be on its way already
kept as (

    select logged.*
    from logged
    left join verdicts on verdicts.judged_id = logged.decision_id
    where
        verdicts.verdict is not null
        or (not logged.is_idle and not logged.needs_review)
        or logged.decision_id in (
            select nullif(trim(decision_id), '')
            from {{ approvals }}
            where decision_id is not null
        )
        or logged.decision_id in (
            select decision_id
            from {{ sends }}
            where decision_id is not null
        )
        or is_history

),

{% endif -%}
final as (

    select
        decision_id,
        {%- for column in holdfast.proposal_columns() %}
        {{ column }},
        {%- endfor %}
    from proposals
    {%- if is_incremental() %}
    -- a policy decides once for a customer and a day
    where
        not exists (
            select 1
            from logged
            where is_history
        )
        and not exists (
            select 1
            from kept
            where
                kept.system = proposals.system
                and kept.customer_id = proposals.customer_id
        )

    union all

    select
        decision_id,
        {%- for column in holdfast.proposal_columns() %}
        {{ column }},
        {%- endfor %}
    from kept
    {%- endif %}

)

select * from final
