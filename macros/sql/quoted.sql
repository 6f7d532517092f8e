{#-
  A name as a quoted SQL identifier, whatever it holds. adapter.quote of dbt puts quotes around a name and leaves those in it
  as they are, so that a column named by data could end the name and go on as SQL.
-#}
{% macro quoted(name) %}
    {{- return(adapter.dispatch('quoted', 'holdfast')(name | string)) -}}
{% endmacro %}
