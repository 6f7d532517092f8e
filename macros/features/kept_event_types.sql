{#-
  The event types of an input that have features, a list of {event_type, word, place, slot} as event_types holds them; `slot` is the number
  by which event_slot tells them apart in SQL. The row of all other types has no event_type and the slot 0, that of the value
  no slot. Empty while dbt parses; a unit test has no such table, and takes the types that are there in any case.
-#}
{% macro kept_event_types(source) %}
    {%- if not execute -%}
        {#- so that dbt builds the table before the view; reasons, which come after the view, only read it -#}
        {%- do ref('holdfast', 'holdfast__event_types') -%}
        {{- return([]) -}}
    {%- endif -%}
    {%- if holdfast._is_unit_test() -%}
        {%- set rows = [] -%}
        {%- for event_type in holdfast._inputs_with_types()[source].first -%}
            {%- do rows.append([event_type, holdfast._word_of_type(event_type, []), loop.index]) -%}
        {%- endfor -%}
        {%- do rows.append([none, 'value', 0]) -%}
    {%- else -%}
        {#- not by ref: `--empty` and `--sample` give fewer rows of what is read, and the columns must stay -#}
        {%- set relation = holdfast._own_relation('event_types') -%}
        {%- set rows = run_query(
            'select event_type, feature_word, place from ' ~ relation ~ ' where source = ' ~ holdfast.text(source)
            ~ ' order by place asc nulls last'
        ).rows if holdfast.exists(relation) else [] -%}
    {%- endif -%}
    {%- set types = [] -%}
    {%- for row in rows if row[0] is not none -%}
        {%- do types.append({'event_type': row[0], 'word': row[1], 'place': row[2] | int, 'slot': types | length + 1}) -%}
    {%- endfor -%}
    {%- for row in rows if row[0] is none -%}
        {%- do types.append({'event_type': none, 'word': row[1], 'place': row[2] | int, 'slot': 0 if row[1] == 'other' else none}) -%}
    {%- endfor -%}
    {{- return(types) -}}
{% endmacro %}
