{#-
  The select of attributes that change slowly, as they stood: for each row of the spine the latest row of `history` that
  was valid at `as_of`. Rows of the spine are preserved, those with NULL keys among them.

  `valid_from` says from when a row of the history holds (up to, not including, `valid_to`, where that is given and not
  NULL). A row that holds from the very moment of `as_of` counts: it is a state, no event. Of rows that begin together the
  one that comes first by `tie_break`, descending, is taken. `max_age_days` leaves out rows that began longer ago.
-#}
{% macro as_of_join(
    spine, history, valid_from, columns, valid_to=none, tie_break=[], max_age_days=none, entity=['customer_id'], known_at=none
) %}
    {%- do holdfast._note_spine(spine, entity) -%}
    {%- if columns is string or columns is not sequence or columns | length == 0 -%}
        {%- do exceptions.raise_compiler_error(
            'holdfast.as_of_join: `columns` must be a list of columns of the history; got: ' ~ columns
        ) -%}
    {%- endif -%}
    {%- if max_age_days is not none and (max_age_days is not integer or max_age_days is boolean or max_age_days < 1) -%}
        {%- do exceptions.raise_compiler_error(
            'holdfast.as_of_join: `max_age_days` must be a whole number of days, 1 or more; got: ' ~ max_age_days
        ) -%}
    {%- endif -%}
    {%- set key_columns = holdfast._quoted(entity) -%}
    {%- set order = ['history.' ~ holdfast.quoted(valid_from) ~ ' desc nulls last'] -%}
    {#- every column takes part, so that two rows that tie in all that was named still come in one order -#}
    {%- for column in (tie_break + columns) | unique -%}
        {%- do order.append('history.' ~ holdfast.quoted(column) ~ ' desc nulls last') -%}
    {%- endfor -%}
with

spine as (

    select distinct
        {{ holdfast._key_list('', key_columns) }}
        as_of,
    from {{ spine }}

),

ranked as (

    select
        {{ holdfast._key_list('spine.', key_columns) }}
        spine.as_of,
        {%- for column in columns %}
        history.{{ holdfast.quoted(column) }},
        {%- endfor %}
        row_number() over (
            partition by {{ holdfast._key_list('spine.', key_columns) }} spine.as_of
            order by {{ order | join(', ') }}
        ) as newest,
    from spine
    inner join {{ history }} as history
        on history.{{ holdfast.quoted(valid_from) }} <= spine.as_of
        {%- if valid_to %}
        and (history.{{ holdfast.quoted(valid_to) }} > spine.as_of or history.{{ holdfast.quoted(valid_to) }} is null)
        {%- endif %}
        {%- if max_age_days %}
        and history.{{ holdfast.quoted(valid_from) }} >= spine.as_of - interval {{ max_age_days }} day
        {%- endif %}
        {%- if known_at %}
        and coalesce(history.{{ holdfast.quoted(known_at) }}, history.{{ holdfast.quoted(valid_from) }}) <= spine.as_of
        {%- endif %}
        {%- for key in key_columns %}
        and history.{{ key }} = spine.{{ key }}
        {%- endfor %}

),

final as (

    select
        {{ holdfast._key_list('all_rows.', key_columns) }}
        all_rows.as_of,
        {%- for column in columns %}
        ranked.{{ holdfast.quoted(column) }},
        {%- endfor %}
    from {{ spine }} as all_rows
    left join ranked
        on ranked.newest = 1
        and ranked.as_of = all_rows.as_of
        {%- for key in key_columns %}
        and ranked.{{ key }} = all_rows.{{ key }}
        {%- endfor %}

)

select * from final
{%- endmacro %}
