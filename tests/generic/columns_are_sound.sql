{#-
  Whether the columns of a model hold what they say, in one query: rows are told apart by the columns of `grain`, each of
  `unique` has no value twice, those of `not_null` are filled, those of `probability` lie between 0 and 1, and
  `accepted_values` maps columns to all values that they may have. Its rows tell the column, what is wrong, in how many rows,
  and the condition that finds them.
-#}
{% test columns_are_sound(model, grain=[], unique=[], not_null=[], probability=[], accepted_values={}) %}

{{ config(fail_calc='coalesce(sum(row_count), 0)') }}
{%- set checks = [] -%}
{%- for column in not_null -%}
    {%- do checks.append({'column': column, 'problem': 'missing', 'condition': holdfast.quoted(column) ~ ' is null'}) -%}
{%- endfor -%}
{%- for column in probability -%}
    {%- do checks.append({
        'column': column, 'problem': 'not between 0 and 1', 'condition': 'not (' ~ holdfast.quoted(column) ~ ' between 0 and 1)',
    }) -%}
{%- endfor -%}
{%- for column, values in accepted_values.items() -%}
    {%- set texts = [] -%}
    {%- for value in values -%}
        {%- do texts.append(holdfast.text(value)) -%}
    {%- endfor -%}
    {%- do checks.append({
        'column': column, 'problem': 'none of ' ~ values | join(', '),
        'condition': holdfast.quoted(column) ~ ' not in (' ~ texts | join(', ') ~ ')',
    }) -%}
{%- endfor -%}
{%- set keys = [] -%}
{%- if grain -%}{%- do keys.append(holdfast._quoted(grain)) -%}{%- endif -%}
{%- for column in unique -%}{%- do keys.append(holdfast._quoted([column])) -%}{%- endfor -%}
with

counted as (

    select
        {%- for check in checks %}
        count(*) filter (where {{ check.condition }}) as found_{{ loop.index }},
        {%- endfor %}
        count(*) as row_count,
    from {{ model }}

),

problems as (

    {% for check in checks -%}
    select
        {{ holdfast.text(check.column) }} as column_name,
        {{ holdfast.text(check.problem) }} as problem,
        found_{{ loop.index }} as row_count,
        {{ holdfast.text(check.condition) }} as condition,
    from counted
    union all
    {% endfor -%}
    {% for columns in keys -%}
    select
        {{ holdfast.text(columns | join(', ') | replace('"', '')) }} as column_name,
        'not unique' as problem,
        cast(coalesce(sum(row_count), 0) as bigint) as row_count,
        {{ holdfast.text('true qualify count(*) over (partition by ' ~ columns | join(', ') ~ ') > 1') }} as condition,
    from (
        select count(*) as row_count from {{ model }}
        {% if loop.first and grain %}{% else %}where {{ columns[0] }} is not null{% endif %}
        group by {{ columns | join(', ') }}
        having count(*) > 1
    ) as doubles
    union all
    {% endfor -%}
    select
        '' as column_name,
        '' as problem,
        0 as row_count,
        '' as condition,
    from counted

)

select * from problems
where row_count > 0

{#- never true: dbt gives a test only the macros that it finds named here -#}
{%- if false -%}{{ holdfast.quoted() }}{{ holdfast._quoted() }}{{ holdfast.text() }}{%- endif -%}

{% endtest %}
