{#-
  A SQL expression: a value as models take it, a 32-bit float. NaN, infinity and what is beyond that type are no values, and
  become NULL. `type` is that of the value, where it is known: whole numbers of ordinary size need no care.
-#}
{% macro as_feature(value, type=none) %}
    {%- if type and modules.re.fullmatch('BOOLEAN|U?(TINY|SMALL|BIG)?INT(EGER)?|LONG|SHORT|BYTE', type | upper) -%}
        {{- return('cast(' ~ value ~ ' as float)') -}}
    {%- endif -%}
    {#- NaN sorts above every number -#}
    {{- return('case when abs(cast(' ~ value ~ ' as double)) <= 3.4028234663852886e38 then cast(' ~ value ~ ' as float) end') -}}
{% endmacro %}


{#-
  The events of a feature view without numbers that are none: NaN and infinity count as missing, as they do in the inputs,
  for one of them would be the sum and the mean of all. Says how many there are. The inputs themselves are clean, and a CTE
  of the same model cannot be asked.
-#}
{% macro _finite_events(events) %}
    {%- if 'stg_holdfast__' in events | string or (events is not string and not holdfast.exists(events)) -%}
        {{- return(events) -}}
    {%- endif -%}
    {%- set columns = [] -%}
    {%- set counts = [] -%}
    {%- for column, type in holdfast._column_types(events).items() -%}
        {%- set name = holdfast.quoted(column) -%}
        {%- if holdfast._is_float_type(type) -%}
            {%- do columns.append('case when ' ~ holdfast.is_finite(name) ~ ' then ' ~ name ~ ' end as ' ~ name) -%}
            {%- do counts.append(
                'select ' ~ holdfast.text(column) ~ ' as column_name, count(*) as row_count, count(*) as example from ' ~ events
                ~ ' where ' ~ name ~ ' is not null and not ' ~ holdfast.is_finite(name) ~ ' having count(*) > 0'
            ) -%}
        {%- else -%}
            {%- do columns.append(name) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- if not counts -%}
        {{- return(events) -}}
    {%- endif -%}
    {%- if context.get('holdfast_view') is none -%}
        {%- do holdfast._tell_problems(
            counts, '{rows} rows of the events ' ~ events ~ ' have a {column} that is NaN or infinite; it counts as missing. Make it NULL '
            ~ 'or correct it there.', ['build', 'run']
        ) -%}
    {%- endif -%}
    {{- return('(select ' ~ columns | join(', ') ~ ' from ' ~ events ~ ')') -}}
{% endmacro %}
