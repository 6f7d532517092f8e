{#-
  The select that turns a policy's choice into the action to take: customer_id, action, channel, arm, propensity and
  action_count, one row per customer. `actions` has a row per customer, action and channel that is allowed, leave_alone among
  them; one of a customer's is_chosen. Where none is, the choice is leave_alone; where several are, leave_alone or else the first by name.

  With the share r of `holdfast_random_share` one of a customer's k allowed actions is taken, each with the same probability;
  else the policy's. So the propensity of the action taken is (1 - r) * [the policy's choice] + r / k. It holds whichever arm
  the action came from. The holdout is left alone, with propensity 1.

  The draw is the action with the largest number: it stays the same while the action stays allowed, whichever others come or go.
  Where limits leave no room for some actions to be drawn, `drawable` says of which rows one may be; the policy may choose the others.
-#}
{% macro policy_arms(actions, as_of, system, drawable='true') %}
    {%- set share = 'cast(' ~ holdfast.setting('random_share') ~ ' as double)' -%}
select
    customer_id,
    case when arm = 'holdout' then 'leave_alone' else action end as action,
    case when arm <> 'holdout' then channel end as channel,
    arm,
    case
        when arm = 'holdout' then 1e0
        else (1e0 - {{ share }}) * (case when is_choice then 1e0 else 0e0 end)
            + {{ share }} * (case when is_drawable then 1e0 else 0e0 end) / cast(action_count as double)
    end as propensity,
    action_count,
from (
    select
        *,
        row_number() over (
            partition by customer_id
            order by
                case
                    when arm = 'random' then case when is_drawable then draw else -1e0 end
                    when is_choice then 1e0
                    else 0e0
                end desc nulls last,
                action asc nulls last,
                channel asc nulls last
        ) as place,
    from (
        select
            actions.customer_id,
            actions.action,
            actions.channel,
            {{ drawable }} as is_drawable,
            arms.arm,
            arms.action_count,
            row_number() over (
                partition by actions.customer_id
                order by
                    case when actions.is_chosen then 2 when actions.action = 'leave_alone' then 1 else 0 end desc nulls last,
                    case when actions.action = 'leave_alone' then 1 else 0 end desc nulls last,
                    actions.action asc nulls last,
                    actions.channel asc nulls last
            ) = 1 as is_choice,
            case
                when arms.arm = 'random' then {{ holdfast.uniform(
                    ['actions.customer_id', 'arms.period', 'actions.action', 'actions.channel'],
                    holdfast.setting('holdout_salt') ~ ' action of ' ~ system,
                ) }}
            end as draw,
        from {{ actions }} as actions
        inner join (
            select
                customer_id,
                {{ holdfast.decision_arm('customer_id', as_of, system) }} as arm,
                {{ holdfast._random_period('customer_id', as_of) }} as period,
                action_count,
            from (
                select
                    customer_id,
                    count({{ '*' if drawable == 'true' else 'case when ' ~ drawable ~ ' then 1 end' }}) as action_count,
                from {{ actions }}
                group by customer_id
            ) as holdfast_customers
        ) as arms on arms.customer_id = actions.customer_id
    ) as holdfast_draws
) as holdfast_places
where place = 1
{%- endmacro %}
