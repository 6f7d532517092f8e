{#-
  The columns of `holdfast_segments` that the customers input has, each as {name, segment}: the segment is a SQL expression on
  a row of that input. The other columns are features, whose values change from date to date.
-#}
{% macro customer_segment_columns() %}
    {%- set customers = holdfast.input_relation('customers') -%}
    {%- set columns = [] -%}
    {%- if execute and customers is not none and holdfast.setting('segments') -%}
        {%- set found = holdfast._column_types(customers) -%}
        {%- for column in holdfast.segment_names() if column | lower in found -%}
            {%- if column | lower in ['all', 'first_channel', 'first_order_value'] -%}
                {%- do exceptions.raise_compiler_error(
                    'The var `holdfast_segments` names ' ~ column ~ ', but cohort_segments already has a split of that name: the two '
                    ~ 'would be mixed up. Leave it out, or give the column another name in the relation of `holdfast_customers`.'
                ) -%}
            {%- endif -%}
            {%- do columns.append({
                'name': column | lower,
                'segment': holdfast.segment_of(holdfast.quoted(column | lower), found[column | lower], customers),
            }) -%}
        {%- endfor -%}
    {%- endif -%}
    {{- return(columns) -}}
{% endmacro %}
