{#-
  The select of why a task's champion scores as it does: the themes that raise the probability or value most, each with the strongest
  statement that is true of the customer, for the rows that `scores` scores.
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
            'holdfast.reasons: the champion ' ~ champion.model_id ~ ' of ' ~ task.name ~ ' (' ~ champion.algorithm ~ ') cannot say what '
            ~ 'each feature adds, so its scores have no reasons', info=true
        ) -%}
    {%- endif -%}
    {%- set names = champion.feature_names if champion else [] -%}
    {%- set personal = holdfast.personal_features() -%}
    {%- set columns = {} -%}
    {%- if is_explained and holdfast.exists(features) -%}
        {%- for column in adapter.get_columns_in_relation(features) if column.name | lower not in personal -%}
            {%- do columns.update({column.name | lower: column.name}) -%}
        {%- endfor -%}
    {%- endif -%}
    {%- set language = holdfast.language() -%}
    {%- set known = holdfast.statements(task.horizon_days) -%}
    {%- set told = holdfast.feature_themes(names, task.features) -%}
    {#- log-odds are small; a value may be money, and a contribution to it large -#}
    {%- set steps, bound = ('1e6', '1e8') if task.is_regression else ('1e9', '1e5') -%}
    {%- set slots = names | length + 1 -%}
    {#- what can be said, each condition and each text once, for features share them -#}
    {%- set conditions, texts, sayings, themes = {}, {}, {}, {} -%}
    {%- for name in names if is_explained and told[name].tell and name | lower not in personal -%}
        {%- set number = names.index(name) + 1 -%}
        {%- do themes.setdefault(told[name].theme, []).append(number) -%}
        {%- set statements = holdfast.feature_statements(name, told[name].phrases, columns, task.direction, known, language) -%}
        {%- for statement in statements -%}
            {%- do conditions.setdefault(statement.when, conditions | length + 1) -%}
            {%- do texts.setdefault(statement.sql, texts | length + 1) -%}
        {%- endfor -%}
        {%- if statements -%}
            {%- do sayings.update({number: statements}) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- set feature_themes = [] -%}
    {%- for name in names -%}
        {%- do feature_themes.append(told[name].theme) -%}
    {%- endfor -%}
    {%- set reason_keys = [] -%}
    {%- for numbers in themes.values() -%}
        {%- set weights, strongest = [], [] -%}
        {%- for i in numbers -%}
            {%- do weights.append('weight_' ~ i) -%}
        {%- endfor -%}
        {#- a comparison comes before a level of the same theme -#}
        {%- for is_level in [false, true] -%}
            {%- set tellable = [] -%}
            {%- for i in numbers -%}
                {%- set always, by_weight = [], [] -%}
                {%- for statement in sayings.get(i, []) if statement.is_level == is_level -%}
                    {%- do (by_weight if statement.needs_weight else always).append('says_' ~ conditions[statement.when]) -%}
                {%- endfor -%}
                {%- if by_weight -%}
                    {%- do always.append('weight_' ~ i ~ ' > 0 and (' ~ by_weight | join(' or ') ~ ')') -%}
                {%- endif -%}
                {%- if always -%}
                    {%- do tellable.append(
                        'case when ' ~ always | join(' or ') ~ ' then weight_' ~ i ~ ' * ' ~ slots ~ ' + ' ~ i ~ ' end'
                    ) -%}
                {%- endif -%}
            {%- endfor -%}
            {%- if tellable -%}
                {%- do strongest.append(tellable[0] if tellable | length == 1 else 'greatest(' ~ tellable | join(', ') ~ ')') -%}
            {%- endif -%}
        {%- endfor -%}
        {%- if strongest -%}
            {%- set chosen = strongest[0] if strongest | length == 1 else 'coalesce(' ~ strongest | join(', ') ~ ')' -%}
            {#- a feature's number is the rest; of a negative number the rest is negative -#}
            {%- do reason_keys.append(
                '\n            (' ~ weights | join(' + ') ~ ') * ' ~ slots ~ ' + ((' ~ chosen ~ ') % ' ~ slots ~ ' + ' ~ slots ~ ') % ' ~ slots
            ) -%}
        {%- endif -%}
    {%- endfor -%}
{%- if reason_keys -%}
with

latest as (

    select *
    from {{ features }} as features
    where
        as_of = {{ scoring_as_of }}
        and {{ holdfast.has_enough_history('features', task) }}
        {%- if task.eligible %}
        and {{ holdfast.is_eligible(task) }}
        {%- endif %}

),

explained as (

    select
        {{ holdfast._key_list('', keys) }}
        as_of,
        {{ holdfast.contributions(registry, champion, features) }} as contributions,
        {%- for condition, number in conditions.items() %}
        {{ condition }} as says_{{ number }},
        {%- endfor %}
    from latest

),

-- in steps of {{ '1e-' ~ steps[2:] }}: whole numbers add up and sort fast, and leave room for a feature's number beside them
weighed as (

    select
        {{ holdfast._key_list('', keys) }}
        as_of,
        {%- for i in themes.values() | sum(start=[]) %}
        {%- set bounded = 'least(greatest(' ~ holdfast.list_item('contributions', i) ~ ', -' ~ bound ~ '), ' ~ bound ~ ')' %}
        cast(round({{ bounded }} * {{ steps }}) as bigint) as weight_{{ i }},
        {%- endfor %}
        {%- for number in conditions.values() %}
        says_{{ number }},
        {%- endfor %}
    from explained

),

-- the features of a theme are one reason, told by the strongest of those of which something can be said; its number is the rest
grouped as (

    select
        {{ holdfast._key_list('', keys) }}
        as_of,
        {{ holdfast.list_rows(holdfast.list_of(reason_keys)) }} as reason_key,
    from weighed

),

strongest as (

    select
        {{ holdfast._key_list('', keys) }}
        as_of,
        max(reason_key, {{ most }}) as reason_keys,
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

-- the first statement of the feature that is true
stated as (

    select
        *,
        case reason_key % {{ slots }}
            {%- for i, statements in sayings.items() %}
            when {{ i }} then case
                {%- for statement in statements %} when {{ statement.when }} then {{ texts[statement.sql] }}{% endfor %} end
            {%- endfor %}
        end as statement,
    from chosen

),

told as (

    select
        {{ holdfast._key_list('', keys) }}
        as_of,
        reason_key,
        cast(case reason_key % {{ slots }}
            {%- for i in sayings %}
            when {{ i }} then {{ holdfast.quoted(names[i - 1]) }}
            {%- endfor %}
        end as double) as feature_value,
        case statement
            {%- for sql, number in texts.items() %}
            when {{ number }} then {{ sql }}
            {%- endfor %}
        end as reason,
    from stated

),

ranked as (

    select
        *,
        row_number() over (partition by {{ keys | join(', ') }}, as_of order by reason_key desc nulls last) as rank,
    from told

),

final as (

    select
        {{ holdfast._key_list('', keys) }}
        as_of,
        {{ holdfast.text(champion.model_id) }} as model_id,
        cast(rank as integer) as rank,
        {{ holdfast.list_item(holdfast.list_of(holdfast._texts(feature_themes)), 'reason_key % ' ~ slots) }} as theme,
        {{ holdfast.list_item(holdfast.list_of(holdfast._texts(names)), 'reason_key % ' ~ slots) }} as feature,
        feature_value,
        (reason_key // {{ slots }}) / {{ steps }} as contribution,
        reason,
    from ranked

)

select * from final
{%- else -%}
-- no champion yet, or one that cannot be explained
select
    {{ holdfast._key_list('', keys) }}
    as_of,
    cast(null as varchar) as model_id,
    cast(null as integer) as rank,
    cast(null as varchar) as theme,
    cast(null as varchar) as feature,
    cast(null as double) as feature_value,
    cast(null as double) as contribution,
    cast(null as varchar) as reason,
from {{ features }}
where false
{%- endif %}
{%- endmacro %}
