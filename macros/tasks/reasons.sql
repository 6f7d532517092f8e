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
{%- if is_explained -%}
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

-- one row per feature, with the phrase that tells it
told as (

    {# the season is the same for all customers, and no reason of one of them -#}
    {% for name in champion.feature_names if not name.startswith('calendar_') -%}
    select
        customer_id,
        as_of,
        '{{ name }}' as feature,
        '{{ holdfast.reason_of(name) }}' as reason_group,
        {{ adapter.quote(name) }} as feature_value,
        contributions[{{ champion.feature_names.index(name) + 1 }}] as contribution,
        {{ holdfast.reason_phrase(name, champion.feature_names) }} as reason,
    from explained
    {{ 'union all' if not loop.last }}
    {% endfor %}
),

-- the 30, 90 and 365 day twins of a feature are one reason, told by the twin that weighs most
grouped as (

    select
        customer_id,
        as_of,
        arg_max(feature, (abs(contribution), feature)) as feature,
        arg_max(feature_value, (abs(contribution), feature)) as feature_value,
        arg_max(reason, (abs(contribution), feature)) as reason,
        sum(contribution) as contribution,
    from told
    group by customer_id, as_of, reason_group

),

-- and features that say the same in words are one reason, too
said_once as (

    select
        customer_id,
        as_of,
        reason,
        arg_max(feature, (abs(contribution), feature)) as feature,
        arg_max(feature_value, (abs(contribution), feature)) as feature_value,
        sum(contribution) as contribution,
    from grouped
    group by customer_id, as_of, reason

),

ranked as (

    select
        *,
        row_number() over (partition by customer_id, as_of order by contribution desc, feature asc) as rank,
    from said_once
    where contribution > 0

),

final as (

    select
        customer_id,
        as_of,
        '{{ champion.model_id }}' as model_id,
        cast(rank as integer) as rank,
        feature,
        cast(feature_value as double) as feature_value,
        cast(contribution as double) as contribution,
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
