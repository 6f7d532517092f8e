{#-
  A SQL expression: the segment of a value of a column. Of a number with more than six values the thirds are segments, of a
  text the twenty largest values; the rest is `other`, so that no split has more rows than anybody reads, and so is a value with
  fewer customers than `holdfast_least_group`, so that no group tells about one of them. A blank text is no value, like NULL.
-#}
{% macro segment_of(column, type, relation) %}
    {%- set least = holdfast.setting('least_group') -%}
    {%- set plain = 'cast(' ~ column ~ ' as varchar)' -%}
    {%- if modules.re.match('(U?(TINY|SMALL|BIG|HUGE)?INT(EGER)?|DECIMAL|NUMERIC|FLOAT|DOUBLE|REAL)', type) is none -%}
        {{- return(
            "case when coalesce(trim(" ~ plain ~ "), '') = '' then null when " ~ column ~ ' in (select ' ~ column ~ ' from ' ~ relation
            ~ " where coalesce(trim(" ~ plain ~ "), '') <> '' group by 1 having count(*) >= " ~ least
            ~ ' order by count(*) desc nulls last, 1 asc nulls last limit 20) then ' ~ plain ~ " else 'other' end"
        ) -}}
    {%- endif -%}
    {%- set thirds = [] -%}
    {%- for share in ['1 / 3e0', '2 / 3e0'] -%}
        {%- do thirds.append('(select quantile_disc(' ~ column ~ ', ' ~ share ~ ') from ' ~ relation ~ ')') -%}
    {%- endfor -%}
    {{- return(
        'case when ' ~ column ~ ' is null then null when (select count(distinct ' ~ column ~ ') from ' ~ relation ~ ') <= 6 then '
        ~ 'case when ' ~ column ~ ' in (select ' ~ column ~ ' from ' ~ relation ~ ' group by 1 having count(*) >= ' ~ least
        ~ ") then format('{:g}', cast(" ~ column ~ " as double)) else 'other' end when " ~ column ~ ' <= ' ~ thirds[0] ~ " then 'low' when "
        ~ column ~ ' <= ' ~ thirds[1] ~ " then 'middle' else 'high' end"
    ) -}}
{% endmacro %}
