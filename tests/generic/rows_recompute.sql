{#-
  Stored rows still come out of the view's SQL. A sample of what the table holds, over all its dates, is computed anew as
  of each row's own moment and compared column by column; a row that fails names the columns that differ.

  `rows` is the size of the sample: always the same rows, those whose keys hash lowest. `entity` is that of the view unless
  it is given. `tolerance` is what floating-point numbers may differ by, as a share, since their sums depend on the order of
  rows; other columns must be equal.

  A difference need not be an error of the view. An incremental view keeps what it has computed: rows that came more than
  `holdfast_lookback_days` late without a load time, and corrections of old rows, are in the recomputation but not in the
  table. `--full-refresh` settles those.
-#}
{% test rows_recompute(model, rows=1000, entity=none, tolerance=1e-9) %}

{{ config(tags=['holdfast_weekly']) }}

{%- if rows is not integer or rows is boolean or rows < 1 -%}
    {%- do exceptions.raise_compiler_error('holdfast.rows_recompute: `rows` must be a whole number, 1 or more; got: ' ~ rows) -%}
{%- endif -%}
{%- if execute and holdfast.exists(model) -%}
    {%- set rendered = holdfast.render_view(holdfast._node_behind(model), 'holdfast_sample') -%}
    {%- set keys = (entity or rendered.entity) + ['as_of'] -%}
    {%- set key_texts = [] -%}
    {%- set same_row = [] -%}
    {%- for key in keys -%}
        {%- set name = holdfast.quoted(key) -%}
        {%- do key_texts.append("coalesce(cast(" ~ name ~ " as varchar), '')") -%}
        {%- do same_row.append('computed.' ~ name ~ ' is not distinct from stored.' ~ name) -%}
    {%- endfor %}
with

holdfast_stored as (

    select *
    from {{ model }}
    order by md5({{ key_texts | join(" || '|' || ") }}), {{ key_texts | join(', ') }}
    limit {{ rows }}

),

-- the view's own CTEs stand inside, so this one has a name that none of them has
holdfast_sample as (

    select
        {{ holdfast._key_list('', holdfast._quoted(keys)) }}
    from holdfast_stored

),

compared as (

    select
        {%- for key in keys %}
        stored.{{ holdfast.quoted(key) }},
        {%- endfor %}
        concat_ws(
            ', ',
            case when computed.is_computed is null then 'the whole row' end
            {%- for column in adapter.get_columns_in_relation(model) if column.name | lower not in keys | map('lower') %}
            {%- set one = 'stored.' ~ holdfast.quoted(column.name) -%}
            {%- set other = 'computed.' ~ holdfast.quoted(column.name) %},
            case
                when computed.is_computed
                    and {{ one }} is distinct from {{ other }}
                    {%- if column.dtype | upper in ['DOUBLE', 'FLOAT', 'REAL'] %}
                    and not coalesce(
                        abs({{ one }} - {{ other }}) < {{ tolerance }} * (1 + least(abs({{ one }}), abs({{ other }}))), false
                    )
                    {%- endif %}
                    then {{ holdfast.text(column.name) }}
            end
            {%- endfor %}
        ) as different_columns,
    from holdfast_stored as stored
    left join (
        select
            *,
            true as is_computed,
        from ({{ rendered.sql }}) as rendered
    ) as computed on {{ same_row | join(' and ') }}

)

select * from compared where different_columns != ''
{%- endif -%}

{% endtest %}
