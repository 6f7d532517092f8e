{#-
  The select of what all policies propose at the build's as-of date, with decision_id, as decision_log keeps it:
  next_best_offer, and the project's own models or seeds that the var `holdfast_policies` names. Of rows that are the same
  decision one is taken, the one with the highest expected profit.
-#}
{% macro policy_proposals() %}
    {%- set as_of = 'cast(' ~ holdfast.as_of_date() ~ ' as timestamp)' -%}
    {%- set selects = [] -%}
    {%- if holdfast.has_system('offers') -%}
        {%- do selects.append(holdfast._proposals_of(ref('holdfast', 'holdfast__next_best_offer'), 'offers', as_of)) -%}
    {%- endif -%}
    {%- for name in holdfast.policies() -%}
        {%- set relation = holdfast._ref(name) -%}
        {%- if execute -%}
            {%- do holdfast._check_policy(name, relation) -%}
        {%- endif -%}
        {%- do selects.append(holdfast._proposals_of(relation, holdfast._plain_name(name), as_of)) -%}
    {%- endfor -%}
    {#- the table has its columns and their types without any policy, too -#}
    {%- do selects.append(holdfast._no_proposals()) -%}
select
    cast({{ holdfast.decision_id('system', 'customer_id', 'as_of', 'action', 'channel') }} as varchar) as decision_id,
    *,
from (
    {{ selects | join('\n\n    union all\n\n    ') | indent(4) }}
) as proposals
-- the same decision twice is one
qualify row_number() over (
    partition by system, customer_id, as_of, action, channel
    order by
        expected_profit desc nulls last,
        propensity desc nulls last,
        reason asc nulls last,
        policy_version asc nulls last,
        variant asc nulls last
) = 1
{%- endmacro %}


{#- Stops the compile where a policy of the project's lacks a column that decisions cannot do without, or has ids of another kind. -#}
{% macro _check_policy(name, relation) %}
    {%- if not holdfast.exists(relation) -%}
        {{- return('') -}}
    {%- endif -%}
    {%- set found = holdfast._column_types(relation) -%}
    {%- set required = [] -%}
    {%- set missing = [] -%}
    {%- for column, spec in holdfast.proposal_columns().items() if spec[1] -%}
        {%- do required.append(column) -%}
        {%- if column not in found -%}
            {%- do missing.append(column) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- if missing -%}
        {%- do exceptions.raise_compiler_error(
            'The policy ' ~ name ~ ' in the var `holdfast_policies` (' ~ relation ~ ') has no column ' ~ missing | join(', ')
            ~ '. A policy needs ' ~ required | join(', ') ~ ', and may have every other column of next_best_offer; it has '
            ~ found.keys() | join(', ') ~ '. See docs/decisions_and_reviews.md.'
        ) -%}
    {%- endif -%}
    {%- set orders = ref('holdfast', 'stg_holdfast__orders') -%}
    {%- set want = holdfast._column_types(orders).customer_id if holdfast.exists(orders) else found.customer_id -%}
    {%- if holdfast._is_text_type(found.customer_id) != holdfast._is_text_type(want) -%}
        {%- do exceptions.raise_compiler_error(
            'The column customer_id is ' ~ found.customer_id ~ ' in the policy ' ~ name ~ ' in the var `holdfast_policies` (' ~ relation
            ~ ') but ' ~ want ~ ' in `holdfast_orders`: cast one of them, so that the two can be joined.'
        ) -%}
    {%- endif -%}
{% endmacro %}


{#- What one policy proposes at the as-of date, in the columns and types of decision_log. -#}
{% macro _proposals_of(relation, system, as_of) %}
    {%- set not_forgotten = holdfast.not_forgotten('policy.customer_id') -%}
    {#- the stand-in of a unit test has the columns that its rows have, and all of them are given there -#}
    {%- set found = holdfast._column_types(relation).keys() | list if execute and holdfast.exists(relation)
        else holdfast.proposal_columns().keys() | list -%}
    {%- set columns = [] -%}
    {%- for column, spec in holdfast.proposal_columns().items() -%}
        {%- do columns.append(holdfast._proposal_column(column, spec[0], column in found, system) ~ ' as ' ~ column) -%}
    {%- endfor -%}
    {%- set select -%}
select
    {{ columns | join(',\n    ') }},
from {{ relation }} as policy
where
    policy.customer_id is not null
    and cast(policy.as_of as date) = cast({{ as_of }} as date)
    and {{ not_forgotten }}
    {%- endset -%}
    {{- return(select) -}}
{% endmacro %}


{#- One column of a proposal: what is blank or no number is missing, and what is missing has the value that is stated for it. -#}
{% macro _proposal_column(column, kind, is_there, system) %}
    {%- set action = "coalesce(nullif(trim(cast(policy.action as varchar)), ''), 'leave_alone')" -%}
    {%- set types = {'text': 'varchar', 'share': 'double'} -%}
    {%- set type = types.get(kind, kind) -%}
    {%- if column == 'action' -%}
        {{- return(action) -}}
    {%- elif column == 'as_of' -%}
        {{- return('cast(cast(policy.as_of as date) as timestamp)') -}}
    {%- elif column == 'needs_review' -%}
        {%- set by_setting = holdfast.needs_review(action) -%}
        {{- return(
            '(' ~ action ~ " <> 'leave_alone' and (" ~ by_setting
            ~ (' or coalesce(cast(policy.needs_review as boolean), false)' if is_there else '') ~ '))'
        ) -}}
    {%- elif column == 'system' -%}
        {{- return(
            "coalesce(nullif(trim(cast(policy.system as varchar)), ''), " ~ holdfast.text(system) ~ ')' if is_there
            else 'cast(' ~ holdfast.text(system) ~ ' as varchar)'
        ) -}}
    {%- elif column == 'owner' -%}
        {%- set owner = holdfast.setting('decision_owner') -%}
        {%- set of_all = 'cast(' ~ (holdfast.text(owner) if owner else 'null') ~ ' as varchar)' -%}
        {{- return("coalesce(nullif(trim(cast(policy.owner as varchar)), ''), " ~ of_all ~ ')' if is_there else of_all) -}}
    {%- elif column == 'arm' -%}
        {{- return("coalesce(nullif(trim(cast(policy.arm as varchar)), ''), 'policy')" if is_there else "cast('policy' as varchar)") -}}
    {%- elif not is_there -%}
        {{- return('cast(null as ' ~ type ~ ')') -}}
    {%- elif kind == 'id' -%}
        {{- return('policy.' ~ column) -}}
    {%- elif kind == 'text' -%}
        {{- return('nullif(trim(cast(policy.' ~ column ~ " as varchar)), '')") -}}
    {%- elif kind == 'double' -%}
        {{- return('case when ' ~ holdfast.is_finite('policy.' ~ column) ~ ' then cast(policy.' ~ column ~ ' as double) end') -}}
    {%- elif kind == 'share' -%}
        {{- return(
            'case when cast(policy.' ~ column ~ ' as double) > 0e0 and cast(policy.' ~ column ~ ' as double) <= 1e0 then cast(policy.'
            ~ column ~ ' as double) end'
        ) -}}
    {%- endif -%}
    {{- return('cast(policy.' ~ column ~ ' as ' ~ type ~ ')') -}}
{% endmacro %}


{#- No row, with the columns and types of a proposal. -#}
{% macro _no_proposals() %}
    {%- set columns = [] -%}
    {%- for column, spec in holdfast.proposal_columns().items() -%}
        {%- set types = {'text': 'varchar', 'share': 'double'} -%}
        {%- do columns.append(
            (column if spec[0] == 'id' else 'cast(null as ' ~ types.get(spec[0], spec[0]) ~ ')') ~ ' as ' ~ column
        ) -%}
    {%- endfor -%}
    {%- set select -%}
select
    {{ columns | join(',\n    ') }},
from {{ ref('holdfast', 'stg_holdfast__orders') }}
where 1 = 0
    {%- endset -%}
    {{- return(select) -}}
{% endmacro %}
