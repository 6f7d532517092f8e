{#-
  A SQL expression: the id of a decision, a hash of what was decided for whom and when. The arguments are SQL expressions. Each
  part stands behind its length, so that no two decisions are written as the same text.
-#}
{% macro decision_id(system, customer_id, as_of, action, channel) %}
    {%- set parts = [] -%}
    {%- for part in [system, customer_id, as_of, action, channel] -%}
        {%- set text = "coalesce(cast(" ~ part ~ " as varchar), '')" -%}
        {%- do parts.append('cast(length(' ~ text ~ ") as varchar) || ':' || " ~ text) -%}
    {%- endfor -%}
    {{- return('md5(' ~ parts | join(' || ') ~ ')') -}}
{% endmacro %}
