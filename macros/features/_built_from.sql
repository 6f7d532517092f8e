{#-
  What the dates of a feature view were computed from, so that a build notices when it has changed since: for each
  observation date one text for its keys and one for all rows of the view's inputs that were known before it (their number,
  and the sum of their hashes). A row counts from when it was known, and what is filled in later from then; so new rows
  change nothing for earlier dates, and late, corrected, merged and deleted ones do.

  {as_of: [keys, inputs]}; none where the dates are too many to be kept. Products have no time and are left out, as are
  inputs of the project's own.
-#}
{% macro _built_from(spine) %}
    {%- if spine is string or not holdfast.exists(spine) -%}
        {{- return(none) -}}
    {%- endif -%}
    {%- set keys = [] -%}
    {%- for column in adapter.get_columns_in_relation(spine) if column.name | lower != 'as_of' -%}
        {%- do keys.append(holdfast.quoted(column.name)) -%}
    {%- endfor -%}
    {%- set states = {} -%}
    {%- for row in run_query(
        'select cast(as_of as varchar), cast(row_count as varchar) || \' \' || cast(keys_hash as varchar) from (' ~ holdfast._dates_and_keys(spine, keys)
        ~ ') where as_of is not null order by 1 asc nulls last limit 61'
    ).rows -%}
        {%- do states.update({row[0]: [row[1], '0 0']}) -%}
    {%- endfor -%}
    {%- if states | length > 60 -%}
        {{- return(none) -}}
    {%- endif -%}
    {%- set parts = [] -%}
    {%- for unique_id in model.depends_on.nodes | unique | sort if unique_id.startswith('model.holdfast.stg_holdfast__') -%}
        {%- do parts.extend(holdfast._days_of_input(unique_id.split('.')[2])) -%}
    {%- endfor -%}
    {%- if parts and states -%}
        {%- for row in run_query(
            'with days as (' ~ parts | join(' union all ') ~ '), dates as (select distinct as_of from ' ~ spine ~ ')
            select cast(dates.as_of as varchar), cast(sum(days.row_count) as varchar) || \' \' || cast(sum(days.rows_hash) as varchar)
            from dates inner join days on days.day + interval 1 day <= dates.as_of
            group by dates.as_of'
        ).rows if row[0] in states -%}
            {%- do states.update({row[0]: [states[row[0]][0], row[1]]}) -%}
        {%- endfor -%}
    {%- endif -%}
    {{- return(states) -}}
{% endmacro %}


{#- The selects of an input's rows by the day on which they were known: day, row_count, rows_hash. -#}
{% macro _days_of_input(name) %}
    {%- set relation = holdfast._relation_of(name, 'holdfast') -%}
    {%- set times = holdfast.event_times().get(name) -%}
    {%- set from = relation | string -%}
    {%- if name == 'stg_holdfast__order_items' -%}
        {#- lines have the time of their order -#}
        {%- set times = {'at': 'ordered_at', 'known_at': 'loaded_at'} -%}
        {%- set from = '(select items.*, orders.ordered_at from ' ~ relation ~ ' as items inner join '
            ~ holdfast._relation_of('stg_holdfast__orders', 'holdfast') ~ ' as orders on orders.order_id = items.order_id)' -%}
    {%- endif -%}
    {%- if times is none -%}
        {{- return([]) -}}
    {%- endif -%}
    {%- set later = times.get('later', {}) -%}
    {%- set filled_later = later.values() | sum(start=[]) -%}
    {%- set columns = [] -%}
    {%- for column in adapter.get_columns_in_relation(relation) if column.name not in filled_later -%}
        {%- do columns.append(holdfast.quoted(column.name)) -%}
    {%- endfor -%}
    {%- set known_at = 'greatest(' ~ times['at'] ~ ', ' ~ times.get('known_at', times['at']) ~ ')' -%}
    {%- set selects = [] -%}
    {%- for at, hashed in [(known_at, columns)] + (later.items() | list) -%}
        {%- do selects.append(
            "select date_trunc('day', " ~ (at if loop.first else 'greatest(' ~ at ~ ', ' ~ known_at ~ ')') ~ ') as day, count(*) as row_count, sum('
            ~ holdfast.row_hash(hashed if loop.first else columns + hashed) ~ ') as rows_hash from ' ~ from ~ ' as inputs'
            ~ (' where ' ~ at ~ ' is not null' if not loop.first else '') ~ ' group by 1'
        ) -%}
    {%- endfor -%}
    {{- return(selects) -}}
{% endmacro %}


{#-
  The note of a feature view's table, its comment, as {definition, built_from, hashed_by}: the definition that it was built
  from, and what its dates were; `built_from` is empty where it is not known. `hashed_by` is the warehouse's version now:
  others may hash otherwise.
-#}
{% macro _note_of(relation) %}
    {%- set row = run_query('select (' ~ holdfast.table_comment(relation) ~ '), version()').rows[0] -%}
    {%- set comment = row[0] or '' -%}
    {%- set match = modules.re.fullmatch('(holdfast [0-9a-f]{32})(?: (.*))?', comment) -%}
    {%- set told = fromjson(match.group(2)) if match is not none and match.group(2) else {} -%}
    {{- return({
        'definition': match.group(1) if match is not none else none,
        'built_from': told.dates if told.get('hashed_by') == row[1] else {},
        'hashed_by': row[1],
    }) -}}
{% endmacro %}


{#- The dates whose inputs have changed since the view computed them, and that this build would leave as they are. -#}
{% macro _changed_dates(former, now) %}
    {%- set changed = [] -%}
    {%- if former and now is not none -%}
        {%- set last = modules.datetime.datetime.fromisoformat(former.keys() | max) -%}
        {%- set since = last - modules.datetime.timedelta(days=holdfast.setting('lookback_days')) -%}
        {%- for as_of, state in now.items() if as_of in former and former[as_of][0] == state[0] and former[as_of][1] != state[1] -%}
            {%- if modules.datetime.datetime.fromisoformat(as_of) <= since -%}
                {%- do changed.append(as_of) -%}
            {%- endif -%}
        {%- endfor -%}
    {%- endif -%}
    {{- return(changed | sort) -}}
{% endmacro %}
