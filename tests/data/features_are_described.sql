{{ config(severity='warn') }}
-- a feature that nobody described is a feature that few will trust; its scores are none the worse for it
{% set undescribed -%}
select
    feature_view,
    feature,
from {{ ref('holdfast', 'holdfast__feature_registry') }}
where description is null
{%- endset %}
{% do holdfast._tell_names(
    undescribed ~ '\norder by feature_view asc nulls last, feature asc nulls last',
    "Features without a description ({rows}): {names}. Reasons, reports and feature_registry show only their names. Describe each as "
        ~ 'a column in the yml of its feature view; an attribute of the customers in the yml of the relation in `holdfast_customers`.'
) -%}
{{ undescribed }}
