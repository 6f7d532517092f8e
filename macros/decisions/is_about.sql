{#-
  A SQL condition, never NULL: what an approval names, by its filled columns, is what the decision has. Both arguments are names of
  relations in the query. An approval of one decision that has no channel may say on which one to send.
-#}
{% macro is_about(approvals, decisions) %}
    {%- set conditions = [] -%}
    {%- for column in ['system', 'action', 'customer_id', 'channel'] -%}
        {%- set own = approvals ~ '.' ~ column -%}
        {%- do conditions.append(
            '(' ~ own ~ ' is null or coalesce(' ~ own ~ ' = ' ~ decisions ~ '.' ~ column ~ ', '
            ~ (approvals ~ '.is_single' if column == 'channel' else 'false') ~ '))'
        ) -%}
    {%- endfor -%}
    {{- return('(' ~ conditions | join(' and ') ~ ')') -}}
{% endmacro %}
