{#-
  The select of why a task's champion thinks what it thinks: the features that raise the probability most, in words, for
  the rows that `scores` scores.
-#}
{% macro reasons(task, eligible=none, most=3) %}
    {%- do holdfast._check_task_name('reasons', 'task', task) -%}
    {{- config(materialized='table') -}}
    {%- set registry = ref(task ~ '_model') -%}
    {%- set features = ref('holdfast', 'customer_features') -%}
    {%- set scoring_as_of = holdfast.scoring_as_of() -%}
    {%- set champion = holdfast.champion(registry) -%}
    {%- set is_explained = champion and champion.parameters.get('is_explained', true) -%}
    {%- if champion and not is_explained -%}
        {%- do log(
            'holdfast.reasons: the champion ' ~ champion.model_id ~ ' of ' ~ task ~ ' (' ~ champion.algorithm ~ ') cannot tell what '
            ~ 'each feature adds, so its scores have no reasons', info=true
        ) -%}
    {%- endif -%}
    {%- set groups = {} -%}
    {%- for name in (champion.feature_names if champion else []) -%}
        {#- the season is the same for all customers, and no reason of one of them -#}
        {%- if not name.startswith('calendar_') -%}
            {%- do groups.setdefault(holdfast.reason_of(name), []).append(loop.index) -%}
        {%- endif -%}
    {%- endfor -%}
{%- if is_explained and groups -%}
with

latest as (

    select *
    from {{ features }} as features
    where
        as_of = {{ scoring_as_of }}
        and {{ holdfast.has_enough_history('features') }}
        {%- if eligible %}
        and {{ eligible }}
        {%- endif %}

),

explained as (

    select
        *,
        {{ holdfast.contributions(registry, champion, features) }} as contributions,
    from latest

),

-- the 30, 90 and 365 day twins of a feature are one reason
grouped as (

    select
        *,
        [
            {%- for group in groups.values() %}
            {% for i in group %}cast(contributions[{{ i }}] as double){{ ' + ' if not loop.last }}{% endfor %},
            {%- endfor %}
        ] as group_contributions,
    from explained

),

-- the strongest first; more of them than are told, since some may say the same in words. A row is made for these only
strongest as (

    select
        *,
        unnest(list_grade_up(group_contributions, 'DESC')[1:{{ 3 * most }}]) as reason_group,
    from grouped

),

-- told by the twin that weighs most
chosen as (

    select
        *,
        group_contributions[reason_group] as contribution,
        case reason_group
            {%- for group in groups.values() %}
            when {{ loop.index }} then
                {%- if group | length == 1 %} {{ group[0] }}
                {%- else %} [{{ group | join(', ') }}][list_grade_up(
                    [{% for i in group %}abs(contributions[{{ i }}]){{ ', ' if not loop.last }}{% endfor %}], 'DESC'
                )[1]]
                {%- endif %}
            {%- endfor %}
        end as feature_index,
    from strongest
    where group_contributions[reason_group] > 0

),

told as (

    select
        customer_id,
        as_of,
        contribution,
        case feature_index
            {%- for name in champion.feature_names %}
            when {{ loop.index }} then '{{ name }}'
            {%- endfor %}
        end as feature,
        cast(case feature_index
            {%- for name in champion.feature_names %}
            when {{ loop.index }} then {{ adapter.quote(name) }}
            {%- endfor %}
        end as double) as feature_value,
        case feature_index
            {%- for name in champion.feature_names %}
            when {{ loop.index }} then {{ holdfast.reason_phrase(name, champion.feature_names) }}
            {%- endfor %}
        end as reason,
    from chosen

),

-- and those that say the same in words are one reason, too
said_once as (

    select
        customer_id,
        as_of,
        reason,
        arg_max(feature, (contribution, feature)) as feature,
        arg_max(feature_value, (contribution, feature)) as feature_value,
        sum(contribution) as contribution,
    from told
    group by customer_id, as_of, reason

),

ranked as (

    select
        *,
        row_number() over (partition by customer_id, as_of order by contribution desc, feature asc) as rank,
    from said_once

),

final as (

    select
        customer_id,
        as_of,
        '{{ champion.model_id }}' as model_id,
        cast(rank as integer) as rank,
        feature,
        feature_value,
        contribution,
        reason,
    from ranked
    where rank <= {{ most }}

)

select * from final
{%- else -%}
-- no champion yet, or one that cannot be explained
select
    customer_id,
    as_of,
    cast(null as varchar) as model_id,
    cast(null as integer) as rank,
    cast(null as varchar) as feature,
    cast(null as double) as feature_value,
    cast(null as double) as contribution,
    cast(null as varchar) as reason,
from {{ features }}
where false
{%- endif %}
{%- endmacro %}
