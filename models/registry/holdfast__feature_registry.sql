-- every feature: what it is, from the project, and what it looks like, from the data
{% set views = holdfast.feature_views() -%}
{% set personal = holdfast.personal_features() -%}
{#- the project names attributes by a var, so no yml of Holdfast's can describe them: what describes the column does -#}
{% set described = holdfast.column_descriptions('customers') -%}
{% set attributes = {} -%}
{% set named = var('holdfast_customer_attributes', []) -%}
{% if execute and named -%}
    {% for column in holdfast.attribute_columns(named, holdfast.input_relation('customers')) -%}
        {% set own = described.get(column.name[10:] | lower) if column.name[10:] in named -%}
        {% do attributes.update({column.name | lower: own or column.description}) -%}
    {% endfor -%}
{% endif -%}
{#- and the data decides which features of events there are -#}
{% for name, told in holdfast.event_features().items() -%}
    {% do attributes.update({name: told.description}) -%}
{% endfor -%}
{#- rendered once, for feature_definitions -#}
{% set definitions = {} -%}
{% set defined = ref('holdfast', 'holdfast__feature_definitions') -%}
{% if execute and holdfast.exists(defined) -%}
{% for row in run_query('select feature_view, sql, ' ~ holdfast.to_json_text('entity') ~ ' from ' ~ defined).rows -%}
    {% do definitions.update({row[0]: {'sql': row[1], 'entity': fromjson(row[2])}}) -%}
{% endfor -%}
{% endif -%}
with

features as (

    {% set listed = namespace(any=false) -%}
    {% for view in views -%}
    {% set relation = holdfast._ref(view) -%}
    {% set rendered = definitions.get(holdfast._plain_name(view)) -%}
    {% if rendered and holdfast.exists(relation) -%}
    {% set node = holdfast._node_of(view) -%}
    {% set keys = rendered.entity | map('lower') | list + ['as_of'] -%}
    {% for column in adapter.get_columns_in_relation(relation) if column.name | lower not in keys -%}
    {% set name = holdfast.quoted(column.name) -%}
    {% set window = holdfast.feature_window(column.name) -%}
    {#- windows that only some horizons have are described together -#}
    {% set by_window = (node.config.meta or {}).get('described', {}).get(column.name | replace('_' ~ window, '_[W]d'), '')
        | replace('[W]', window[:-1]) -%}
    {% set description = node.columns.get(column.name, {}).get('description', '') or attributes.get(column.name | lower, '') or by_window -%}
    {{ 'union all' if listed.any }}
    {% set listed.any = true -%}
    select
        {{ holdfast.text(column.name) }} as feature,
        {{ holdfast.text(holdfast._plain_name(view)) }} as feature_view,
        {{ holdfast.text(column.dtype) }} as dtype,
        {{ holdfast.text(window) }} as "window",
        {{ holdfast.text(holdfast.feature_expression(column.name, rendered.sql)) }} as sql,
        {{ holdfast.text(description) }} as description,
        avg(case when {{ holdfast.is_finite(name) }} then 0 else 1 end) as null_rate,
        {% if column.name | lower in personal -%}
        -- personal: nobody is told its values
        cast(null as double) as mean,
        cast(null as double) as min,
        cast(null as double) as max,
        {% else -%}
        {{ holdfast.exact_mean(name, 'sized.holdfast_largest') }} as mean,
        min(case when {{ holdfast.is_finite(name) }} then cast({{ name }} as double) end) as min,
        max(case when {{ holdfast.is_finite(name) }} then cast({{ name }} as double) end) as max,
        {% endif -%}
        max(as_of) as freshness,
    from {{ relation }}
    cross join (
        select max(abs(cast({{ name }} as double))) as holdfast_largest from {{ relation }} where {{ holdfast.is_finite(name) }}
    ) as sized
    {% endfor -%}
    {% endif -%}
    {% endfor %}
    {% if not listed.any -%}
    select
        cast(null as varchar) as feature,
        cast(null as varchar) as feature_view,
        cast(null as varchar) as dtype,
        cast(null as varchar) as "window",
        cast(null as varchar) as sql,
        cast(null as varchar) as description,
        cast(null as double) as null_rate,
        cast(null as double) as mean,
        cast(null as double) as min,
        cast(null as double) as max,
        cast(null as timestamp) as freshness,
    where false
    {%- endif %}

),

used as (

    select
        feature,
        {{ holdfast.sorted_distinct('list(task)') }} as used_by,
    from (
        select
            {{ holdfast.list_rows('feature_names') }} as feature,
            task,
        from {{ ref('holdfast', 'holdfast__model_registry') }}
        where stage = 'champion'
    )
    group by feature

),

final as (

    select
        features.feature,
        features.feature_view,
        features.dtype,
        nullif(features."window", '') as "window",
        nullif(features.sql, '') as sql,
        nullif(features.description, '') as description,
        features.null_rate,
        features.mean,
        features.min,
        features.max,
        features.freshness,
        coalesce(used.used_by, {{ holdfast.list_of([]) }}) as used_by,
    from features
    left join used on used.feature = features.feature

)

select * from final
