{#-
  The moment up to which outcomes are known, a SQL expression of type timestamp. What happened after the build's as-of
  date is not known yet, even where the tables hold it; nor is what happened after the last order, when the as-of date
  lies beyond the data.
-#}
{% macro known_until() %}
    {{- return(
        'cast(least(' ~ holdfast.as_of_date() ~ ', (select cast(max(ordered_at) as date) + 1 from '
        ~ ref('holdfast', 'stg_holdfast__orders') ~ ')) as timestamp)'
    ) -}}
{% endmacro %}
