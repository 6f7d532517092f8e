{#-
  On customer_features, a warning: values of the user's own feature views that are NaN, infinite or beyond 32 bits. They are
  missing for every model. Counts them, and names view and feature. What Holdfast's own views read is clean at the inputs.
-#}
{% test features_are_finite(model) %}

{{ config(severity='warn', fail_calc='coalesce(sum(row_count), 0)') }}
{%- set own = [] -%}
{%- for view in holdfast.feature_views() if not view.startswith('holdfast__') -%}
    {%- do own.append(view) -%}
{%- endfor -%}
{%- set parts = [] -%}
{%- for feature in holdfast.feature_columns(own) if holdfast.as_feature('value', feature.type).startswith('case') -%}
    {%- set name = holdfast.quoted(feature.name) -%}
    {%- set sql -%}
select
    {{ holdfast.text(feature.name) }} as column_name,
    count(*) as row_count,
    {{ holdfast.text(feature.view) }} as example
from {{ holdfast._relation_of(feature.view) }}
where {{ name }} is not null and {{ holdfast.as_feature(name, feature.type) }} is null
having count(*) > 0
    {%- endset -%}
    {%- do parts.append(sql) -%}
{%- endfor -%}
{%- do holdfast._tell_problems(
    parts, '{rows} rows of the feature view {example} have a {column} that is NaN, infinite or too large for 32 bits; customer_features '
    ~ 'has NULL there, and models treat it as missing. Divide by nullif(…, 0), and make values NULL that are not numbers.'
) -%}
{{ parts | join('\nunion all\n') if parts else 'select 0 as row_count where false' }}

{#- never true: dbt gives a test only the macros that it finds named here -#}
{%- if false -%}{{ holdfast.is_demo() }}{{ holdfast.has_input() }}{{ holdfast._tell_problems() }}{%- endif -%}

{% endtest %}
