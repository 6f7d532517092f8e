{#-
  The select of predictions again with each of their segments: one row for everybody (segment NULL), one by whether the
  customer could still be kept at as_of ('lifecycle: keepable', 'lifecycle: lapsed'), and one per column of
  `holdfast_segments`, such as 'country: NL'. A column is one of the customers input, or a feature as it was at as_of; of
  a number with more than six values the thirds are segments (low, middle, high), of a text the twenty largest.
-#}
{% macro segmented(predictions) %}
    {%- set columns = holdfast.segment_names() -%}
    {%- set customers = holdfast.input_relation('customers') -%}
    {%- set features = ref('holdfast', 'holdfast__customer_features') %}
select
    *,
    cast(null as varchar) as segment,
from {{ predictions }}

union all

select
    predictions.*,
    case
        when lifecycle.is_keepable then 'lifecycle: keepable'
        else 'lifecycle: ' || coalesce(lifecycle.state, 'unknown')
    end as segment,
from {{ predictions }} as predictions
left join {{ ref('holdfast', 'holdfast__customer_lifecycle') }} as lifecycle
    on lifecycle.customer_id = predictions.customer_id
    and lifecycle.churn_definition = {{ holdfast.text(holdfast.setting('churn_definition')) }}
    and {{ holdfast.state_in_force('lifecycle', 'predictions.as_of') }}
    {%- if execute and columns %}
        {%- set of_customers = holdfast._column_types(customers) if customers is not none else {} -%}
        {%- set of_features = {} -%}
        {%- if holdfast.exists(features) -%}
            {%- do of_features.update(holdfast._column_types(features)) -%}
        {%- endif -%}
        {%- for column in columns %}
            {%- set name = column | lower -%}
            {%- if name == 'lifecycle' -%}
                {%- do exceptions.raise_compiler_error(
                    'The var `holdfast_segments` names ' ~ column ~ ', but models are already measured by a segment `lifecycle`: the two would be mixed up. '
                    ~ 'Leave it out, or give the column another name in the relation of `holdfast_customers`.'
                ) -%}
            {%- endif -%}
            {%- set is_feature = name not in of_customers and name in of_features -%}
            {%- if name not in of_customers and not is_feature -%}
                {%- do exceptions.raise_compiler_error(
                    'The var `holdfast_segments` names ' ~ column ~ ', which is neither a column of the customers input ('
                    ~ of_customers.keys() | join(', ') ~ ') nor of customer_features.'
                ) -%}
            {%- endif -%}
            {%- set type = of_features[name] if is_feature else of_customers[name] -%}
            {%- set values = features if is_feature else customers %}

union all

select
    predictions.*,
    {{ holdfast.text(column ~ ': ') }} || coalesce(segments.segment, 'unknown') as segment,
from {{ predictions }} as predictions
left join (
    select
        customer_id,
        {{ 'as_of,' if is_feature }}
        {{ holdfast.segment_of(holdfast.quoted(name), type, values) }} as segment,
    from {{ values }}
) as segments
    on segments.customer_id = predictions.customer_id
    {{ 'and segments.as_of = predictions.as_of' if is_feature }}
        {%- endfor %}
    {%- endif %}
{%- endmacro %}
