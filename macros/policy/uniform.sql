{#-
  A SQL expression: a number from 0 to below 1 that is drawn from the values of some columns and a salt, and is the same in
  every build, on every engine, and for 17, '17' and ' 17 '. Another salt draws other numbers, independent of the first.
  It has 53 bits, all that a double holds, so that customers do not share one.
-#}
{% macro uniform(keys, salt) %}
    {%- set texts = [holdfast.text(salt)] -%}
    {%- for key in ([keys] if keys is string else keys) -%}
        {%- do texts.append('coalesce(' ~ holdfast.same_id(key) ~ ", '')") -%}
    {%- endfor -%}
    {{- return(
        '(cast(' ~ holdfast.stable_number(texts | join(" || '|' || ")) ~ ' % 9007199254740992 as double) / 9007199254740992e0)'
    ) -}}
{% endmacro %}
