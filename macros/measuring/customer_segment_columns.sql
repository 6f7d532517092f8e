{#-
  The columns of `holdfast_segments` that the customers input has, each as {name, segment}: the segment is a SQL expression on
  a row of that input. The other columns are features, whose values change from date to date.
-#}
{% macro customer_segment_columns() %}
    {%- set customers = holdfast.input_relation('customers') -%}
    {%- set columns = [] -%}
    {%- if execute and customers is not none and holdfast.setting('segments') -%}
        {%- set found = holdfast._column_types(customers) -%}
        {%- for column in holdfast.setting('segments') if column | lower in found -%}
            {%- do columns.append({
                'name': column | lower,
                'segment': holdfast._segment_of(adapter.quote(column | lower), found[column | lower], customers),
            }) -%}
        {%- endfor -%}
    {%- endif -%}
    {{- return(columns) -}}
{% endmacro %}
