{#-
  The select of why a task's champion thinks what it thinks: the features that raise the probability or value most, in words, for
  the rows that `scores` scores.
-#}
{% macro reasons(task, most=3) %}
    {%- do holdfast._takes_a_task('reasons', task, kwargs) -%}
    {%- set task = holdfast.task(task) -%}
    {{- config(materialized='table') -}}
    {%- set registry = holdfast.task_step(task, 'model') -%}
    {%- set features = holdfast.task_features(task) -%}
    {%- set keys = holdfast._quoted(task.entity) -%}
    {%- set scoring_as_of = holdfast.scoring_as_of() -%}
    {%- set champion = holdfast.champion(registry) -%}
    {%- set is_explained = champion and champion.parameters.get('is_explained', true) -%}
    {%- if champion and not is_explained -%}
        {%- do log(
            'holdfast.reasons: the champion ' ~ champion.model_id ~ ' of ' ~ task.name ~ ' (' ~ champion.algorithm ~ ') cannot tell what '
            ~ 'each feature adds, so its scores have no reasons', info=true
        ) -%}
    {%- endif -%}
    {%- set personal = holdfast.personal_features() -%}
    {%- set tellable = (champion.feature_names if champion else []) | reject('in', personal) | list -%}
    {%- set groups = {} -%}
    {%- for name in (champion.feature_names if champion else []) -%}
        {#- the season is the same for all customers, and no reason of one of them -#}
        {%- if not name.startswith('calendar_') and name | lower not in personal -%}
            {%- do groups.setdefault(holdfast.reason_of(name), []).append(loop.index) -%}
        {%- endif -%}
    {%- endfor -%}
    {#- log-odds are small; a value may be money, and a contribution to it large -#}
    {%- set steps, bound = ('1e6', '1e8') if task.is_regression else ('1e9', '1e5') -%}
    {%- set slots = (champion.feature_names | length + 1) if champion else 1 -%}
    {%- set names = holdfast._texts(champion.feature_names if champion else []) -%}
    {%- set reason_keys = [] -%}
    {%- for group in groups.values() -%}
        {%- set weights = [] -%}
        {%- set numbered = [] -%}
        {%- for i in group -%}
            {%- do weights.append('weight_' ~ i) -%}
            {%- do numbered.append('abs(weight_' ~ i ~ ') * ' ~ slots ~ ' + ' ~ i) -%}
        {%- endfor -%}
        {%- set strongest = group[0] if group | length == 1 else 'greatest(' ~ numbered | join(', ') ~ ') % ' ~ slots -%}
        {%- do reason_keys.append('\n            (' ~ weights | join(' + ') ~ ') * ' ~ slots ~ ' + ' ~ strongest) -%}
    {%- endfor -%}
{%- if is_explained and groups -%}
with

latest as (

    select *
    from {{ features }} as features
    where
        as_of = {{ scoring_as_of }}
        and {{ holdfast.has_enough_history('features') }}
        {%- if task.eligible %}
        and {{ holdfast.is_eligible(task) }}
        {%- endif %}

),

explained as (

    select
        *,
        {{ holdfast.contributions(registry, champion, features) }} as contributions,
    from latest

),

-- in steps of {{ '1e-' ~ steps[2:] }}: whole numbers add up and sort fast, and leave room for a feature's number beside them
weighed as (

    select
        {{ holdfast._key_list('', keys) }}
        as_of,
        {%- for group in groups.values() %}
        {%- for i in group %}
        {%- set bounded = 'least(greatest(' ~ holdfast.list_item('contributions', i) ~ ', -' ~ bound ~ '), ' ~ bound ~ ')' %}
        cast(round({{ bounded }} * {{ steps }}) as bigint) as weight_{{ i }},
        {%- endfor %}
        {%- endfor %}
    from explained

),

-- the 30, 90 and 365 day twins of a feature are one reason, told by the twin that weighs most; its number is the rest
grouped as (

    select
        {{ holdfast._key_list('', keys) }}
        as_of,
        {{ holdfast.list_rows(holdfast.list_of(reason_keys)) }} as reason_key,
    from weighed

),

-- more of the strongest than are told, since some may say the same in words
strongest as (

    select
        {{ holdfast._key_list('', keys) }}
        as_of,
        max(reason_key, {{ 3 * most }}) as reason_keys,
    from grouped
    where reason_key >= {{ slots }}
    group by {{ keys | join(', ') }}, as_of

),

chosen as (

    select
        features.*,
        {{ holdfast.list_rows('strongest.reason_keys') }} as reason_key,
    from {{ features }} as features
    inner join strongest
        on {{ holdfast._same_keys('strongest', 'features', keys + ['as_of']) }}

),

told as (

    select
        {{ holdfast._key_list('', keys) }}
        as_of,
        reason_key,
        cast(case reason_key % {{ slots }}
            {%- for name in champion.feature_names %}
            when {{ loop.index }} then {{ holdfast.quoted(name) }}
            {%- endfor %}
        end as double) as feature_value,
        case reason_key % {{ slots }}
            {%- for name in champion.feature_names %}
            when {{ loop.index }} then {{ holdfast.reason_phrase(name, tellable) }}
            {%- endfor %}
        end as reason,
    from chosen

),

-- and those that say the same in words are one reason, too
said_once as (

    select
        {{ holdfast._key_list('', keys) }}
        as_of,
        reason,
        max(reason_key) as reason_key,
        {{ holdfast.value_at_max('feature_value', 'reason_key') }} as feature_value,
        sum(reason_key // {{ slots }}) as weight,
    from told
    group by {{ keys | join(', ') }}, as_of, reason

),

ranked as (

    select
        *,
        row_number() over (partition by {{ keys | join(', ') }}, as_of order by weight desc nulls last, reason_key desc nulls last) as rank,
    from said_once

),

final as (

    select
        {{ holdfast._key_list('', keys) }}
        as_of,
        {{ holdfast.text(champion.model_id) }} as model_id,
        cast(rank as integer) as rank,
        {{ holdfast.list_item(holdfast.list_of(names), 'reason_key % ' ~ slots) }} as feature,
        feature_value,
        weight / {{ steps }} as contribution,
        reason,
    from ranked
    where rank <= {{ most }}

)

select * from final
{%- else -%}
-- no champion yet, or one that cannot be explained
select
    {{ holdfast._key_list('', keys) }}
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
