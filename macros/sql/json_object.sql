{#-
  A SQL expression: a JSON object, of type text. `members` are keys with SQL expressions of JSON; one that is NULL is left out,
  because a key that is not there says that nothing is known. NULL where `unless_empty` and none is left.
-#}
{% macro json_object(members, unless_empty=false) %}
    {%- set written = [] -%}
    {%- for key, json in members.items() -%}
        {%- do written.append(holdfast.text(tojson(key | string) ~ ':') ~ ' || ' ~ json) -%}
    {%- endfor -%}
    {%- set inside = "concat_ws(',', " ~ written | join(', ') ~ ')' -%}
    {{- return("'{' || " ~ ('nullif(' ~ inside ~ ", '')" if unless_empty else inside) ~ " || '}'") -}}
{% endmacro %}
