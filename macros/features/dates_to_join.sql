{#-
  Which observation dates a table of joined feature views has to compute in this build, {condition, built_from}. `condition`
  restricts the spine, and is none where all dates are computed; `built_from` is what settle_feature_view notes, {date: a
  fingerprint of all that the date's rows are made from}. For more than a thousand dates a month stands for its dates.

  The fingerprint covers the spine's rows, all rows of the views and `expressions`, the SQL that the columns come from. So it
  does not matter why a view's rows have changed: late events, another attribute, a forgotten customer, a new feature.
  Reading the rows takes a fraction of the time that joining and writing them takes.
-#}
{% macro dates_to_join(spine, relations, expressions) %}
    {%- if not execute or not holdfast.exists(spine) -%}
        {{- return({'condition': none, 'built_from': {}}) -}}
    {%- endif -%}
    {%- set period = holdfast._period('as_of', spine) -%}
    {%- set parts = [] -%}
    {%- for relation in [spine] + relations if holdfast.exists(relation) -%}
        {%- set columns = holdfast._quoted(adapter.get_columns_in_relation(relation) | map(attribute='name')) -%}
        {%- do parts.append(
            'select ' ~ loop.index0 ~ ' as place, cast(' ~ period ~ " as varchar) as period, cast(count(*) as varchar) || ' ' || cast(sum("
            ~ holdfast.row_hash(columns) ~ ') as varchar) as row_state from ' ~ relation ~ ' where as_of is not null group by 2'
        ) -%}
    {%- endfor -%}
    {%- set texts = {} -%}
    {%- set asked = [] -%}
    {%- set counts = {} -%}
    {%- for row in run_query(
        'select period, place, row_state from (' ~ parts | join(' union all ') ~ ') as states order by place asc nulls last, period asc nulls last'
    ).rows -%}
        {%- do texts.update({row[0]: texts.get(row[0], expressions | join(',')) ~ '|' ~ row[1] ~ ' ' ~ row[2]}) -%}
        {%- if row[1] | int == 0 -%}
            {%- do asked.append(row[0]) -%}
            {%- do counts.update({row[0]: row[2].split(' ')[0] | int}) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- set built_from = {} -%}
    {%- for date in asked -%}
        {%- do built_from.update({date: local_md5(texts[date])}) -%}
    {%- endfor -%}
    {%- if not is_incremental() or holdfast.definition_changed() -%}
        {{- return({'condition': none, 'built_from': built_from}) -}}
    {%- endif -%}
    {%- set former = holdfast._note_of(this).built_from -%}
    {#- what somebody has deleted from the table comes back, as it does in the views -#}
    {%- set found = {} -%}
    {%- for row in run_query('select cast(' ~ period ~ ' as varchar), count(*) from ' ~ this ~ ' group by 1').rows -%}
        {%- do found.update({row[0]: row[1] | int}) -%}
    {%- endfor -%}
    {%- set pending = [] -%}
    {%- for date in asked if former.get(date) != built_from[date] or found.get(date) != counts[date] -%}
        {%- do pending.append('timestamp ' ~ holdfast.text(date)) -%}
    {%- endfor -%}
    {%- if pending | length == asked | length -%}
        {{- return({'condition': none, 'built_from': built_from}) -}}
    {%- endif -%}
    {{- return({'condition': period ~ ' in (' ~ pending | join(', ') ~ ')' if pending else 'false', 'built_from': built_from}) -}}
{% endmacro %}
