{#-
  A SQL condition: a row of customer_lifecycle was in force at a moment, by what was known then. Rows that happen at the moment
  itself are not known yet, as in features; a silence that reaches its length at the moment is. `lifecycle` is the row's alias.

      inner join {{ ref('holdfast', 'holdfast__customer_lifecycle') }} as lifecycle
          on lifecycle.customer_id = spine.customer_id
          and {{ holdfast.state_in_force('lifecycle', 'spine.as_of') }}
-#}
{% macro state_in_force(lifecycle, moment) %}
    {%- set silences = holdfast.states_that(begins='silence') -%}
    {{- return(
        '(' ~ lifecycle ~ '.entered_at < ' ~ moment ~ ' or (' ~ lifecycle ~ '.entered_at = ' ~ moment ~ ' and ' ~ lifecycle ~ '.state in ('
        ~ silences ~ '))) and (' ~ lifecycle ~ '.left_at is null or ' ~ lifecycle ~ '.left_at > ' ~ moment ~ ' or (' ~ lifecycle
        ~ '.left_at = ' ~ moment ~ ' and ' ~ lifecycle ~ '.next_state not in (' ~ silences ~ ')))'
    ) -}}
{% endmacro %}
