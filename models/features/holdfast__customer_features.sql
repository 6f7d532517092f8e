-- Every feature of a customer in one row. Here, once, a feature becomes a 32-bit float: training and scoring read
-- these columns and so see the same numbers.
{#- sqlfluff cannot place a loop that is empty, as before the views are built; the fingerprint is a long line #}
-- noqa: disable=LT02,LT05
{% set views = holdfast.feature_views() -%}
{% set entity = ['customer_id'] -%}
{% set features = holdfast.feature_columns(views, entity) -%}
{% set keys = holdfast._quoted(entity + ['as_of']) -%}
{% set expressions = [] -%}
{% set relations = [] -%}
{% for feature in features -%}
    {% set name = holdfast.quoted(feature.name) -%}
    {% do expressions.append(
        holdfast.as_feature(holdfast.quoted(feature.view) ~ '.' ~ name, feature.type) ~ ' as ' ~ name
    ) -%}
{% endfor -%}
{% for view in views -%}
    {% do relations.append(holdfast._ref(view)) -%}
{% endfor -%}
{% set pending = holdfast.dates_to_join(ref('holdfast', 'holdfast__customer_spine'), relations, expressions) -%}
-- holdfast_built_from: {{ tojson(pending.built_from) }}
with

spine as (

    select * from {{ ref('holdfast', 'holdfast__customer_spine') }}
    {%- if pending.condition %}
    where {{ pending.condition }}
    {%- endif %}

),

final as (

    select
        {{ holdfast._key_list('spine.', keys) }}
        {%- for expression in expressions %}
        {{ expression }},
        {%- endfor %}
    from spine
    {% for view in views -%}
    left join {{ holdfast._ref(view) }} as {{ holdfast.quoted(holdfast._plain_name(view)) }}
        on {{ holdfast._same_keys(holdfast.quoted(holdfast._plain_name(view)), 'spine', keys) }}
    {% endfor %}

)

select * from final
