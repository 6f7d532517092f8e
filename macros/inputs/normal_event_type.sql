{#-
  A SQL expression: an event type as types are compared, in lower case, without blanks around it and without what follows the
  200th character; NULL where nothing is left.
-#}
{% macro normal_event_type(event_type) %}
    {{- return("nullif(lower(trim(substr(cast(" ~ event_type ~ ' as ' ~ holdfast._sql_type('text') ~ "), 1, 200))), '')") -}}
{% endmacro %}
