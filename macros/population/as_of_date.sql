{#-
  The date from which the build looks back: `holdfast_as_of_date`, else the day after the last order. A SQL
  expression of type DATE rather than a value, so that compiling needs no query.
-#}
{% macro as_of_date() %}
    {%- set as_of_date = holdfast.setting('as_of_date') -%}
    {%- if as_of_date is not none -%}
        {{- return('cast(' ~ holdfast.text(as_of_date) ~ ' as date)') -}}
    {%- else -%}
        {{- return('(select cast(cast(max(ordered_at) as date) + interval 1 day as date) from ' ~ ref('holdfast', 'stg_holdfast__orders')
            ~ ' where ordered_at <= ' ~ dbt.current_timestamp() ~ " at time zone 'UTC')") -}}
    {%- endif -%}
{% endmacro %}
