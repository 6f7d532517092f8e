{#-
  What the dates of a feature view were computed from, so that a build notices when it has changed since: for each
  observation date one text for its keys and one for all rows of the view's inputs that were known before it (their number,
  and the sum of their hashes). A row counts from when it was known, and what is filled in later from then; so new rows
  change nothing for earlier dates, and late, corrected, merged and deleted ones do.

  {as_of: [keys, inputs]}, by the last date of each period; a period is a date, or a month where dates are many. None for a
  view that does not keep what it has computed.
-#}
{% macro _built_from(spine) %}
    {%- if spine is string or not holdfast.exists(spine) or not holdfast._keeps_dates() -%}
        {{- return(none) -}}
    {%- endif -%}
    {%- set keys = [] -%}
    {%- for column in adapter.get_columns_in_relation(spine) if column.name | lower != 'as_of' -%}
        {%- do keys.append(holdfast.quoted(column.name)) -%}
    {%- endfor -%}
    {%- set period = holdfast._period('as_of', spine) -%}
    {%- set states = {} -%}
    {%- for row in run_query(
        'select cast(max(as_of) as varchar), cast(sum(row_count) as varchar) || \' \' || cast(sum(keys_hash) as varchar) from ('
        ~ holdfast._dates_and_keys(spine, keys) ~ ') as dates where as_of is not null group by ' ~ period
    ).rows -%}
        {%- do states.update({row[0]: [row[1], '0 0']}) -%}
    {%- endfor -%}
    {%- set parts = holdfast._own_events_by_day() -%}
    {%- for unique_id in model.depends_on.nodes | unique | sort if unique_id.startswith('model.holdfast.stg_holdfast__') -%}
        {%- do parts.extend(holdfast._days_of_input(unique_id.split('.')[2])) -%}
    {%- endfor -%}
    {%- if parts and states -%}
        {%- for row in run_query(
            'with days as (' ~ parts | join(' union all ') ~ '),
            dates as (select max(as_of) as as_of from ' ~ spine ~ ' group by ' ~ period ~ ')
            select cast(dates.as_of as varchar), cast(sum(days.row_count) as varchar) || \' \' || cast(sum(days.rows_hash) as varchar)
            from dates inner join days on days.day + interval 1 day <= dates.as_of
            group by dates.as_of'
        ).rows if row[0] in states -%}
            {%- do states.update({row[0]: [states[row[0]][0], row[1]]}) -%}
        {%- endfor -%}
    {%- endif -%}
    {{- return(states) -}}
{% endmacro %}


{#- Whether the model computes only the dates that it has not: feature_view sees to that, and a macro of the project's may call it. -#}
{% macro _keeps_dates() %}
    {%- for unique_id in model.depends_on.macros
        if unique_id == 'macro.holdfast.feature_view' or unique_id.split('.')[1] not in ['holdfast', 'dbt', 'dbt_duckdb', 'dbt_spark'] -%}
        {{- return(true) -}}
    {%- endfor -%}
    {{- return(false) -}}
{% endmacro %}


{#- The period of an observation date, as SQL: the date, or its month where the spine has more than a thousand of them. -#}
{% macro _period(as_of, spine) %}
    {%- set dates = run_query('select count(distinct as_of) from ' ~ spine).columns[0].values()[0] -%}
    {{- return(as_of if dates <= 1000 else "date_trunc('month', " ~ as_of ~ ')') -}}
{% endmacro %}


{#-
  The selects of an input's rows by the day on which they were known: day, row_count, rows_hash. Products have no time; they
  count from the first row that names them, so that a new product changes nothing.
-#}
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
        {%- do columns.append('inputs.' ~ holdfast.quoted(column.name)) -%}
    {%- endfor -%}
    {%- if name in ['stg_holdfast__order_items', 'stg_holdfast__web_events']
        and 'model.holdfast.stg_holdfast__products' in model.depends_on.nodes -%}
        {%- set products = holdfast._relation_of('stg_holdfast__products', 'holdfast') -%}
        {%- set from = from ~ ' as inputs left join ' ~ products ~ ' as products on products.product_id = inputs.product_id' -%}
        {#- costs change often, and names are mended; the shipped views read neither -#}
        {%- for column in adapter.get_columns_in_relation(products)
            if model.package_name != 'holdfast' or column.name in ['category', 'is_replenishable'] -%}
            {%- do columns.append('products.' ~ holdfast.quoted(column.name)) -%}
        {%- endfor -%}
    {%- else -%}
        {%- set from = from ~ ' as inputs' -%}
    {%- endif -%}
    {%- set known_at = 'greatest(' ~ times['at'] ~ ', ' ~ times.get('known_at', times['at']) ~ ')' -%}
    {%- set selects = [] -%}
    {%- for at, hashed in [(known_at, columns)] + (later.items() | list) -%}
        {%- do selects.append(
            "select date_trunc('day', " ~ (at if loop.first else 'greatest(' ~ at ~ ', ' ~ known_at ~ ')') ~ ') as day, count(*) as row_count, sum('
            ~ holdfast.row_hash(hashed if loop.first else columns + hashed) ~ ') as rows_hash from ' ~ from
            ~ (' where ' ~ at ~ ' is not null' if not loop.first else '') ~ ' group by 1'
        ) -%}
    {%- endfor -%}
    {{- return(selects) -}}
{% endmacro %}


{#-
  The same of the project's own events, those that a view gives feature_view: of each the columns that its features name, for
  another one may be filled in later. The view is rendered once more to hear of them.
-#}
{% macro _own_events_by_day() %}
    {%- set selects = [] -%}
    {%- if model.package_name != 'holdfast' -%}
        {%- for event in holdfast.render_view(model, '__holdfast_spine__').events if 'stg_holdfast__' not in event.relation -%}
            {%- set found = holdfast._column_types(event.relation) -%}
            {%- set at = [] -%}
            {%- for column in [event.event_at, event.known_at] if column -%}
                {%- do at.append(holdfast._cast_column(holdfast.quoted(column), found[column | lower], 'timestamp')) -%}
            {%- endfor -%}
            {%- set columns = at | list -%}
            {%- for column in found if modules.re.search('(?i)(?<!\w)' ~ modules.re.escape(column) ~ '(?!\w)', event.names) -%}
                {%- do columns.append(holdfast.quoted(column)) -%}
            {%- endfor -%}
            {%- set known_at = 'greatest(' ~ at | join(', ') ~ ')' if at | length > 1 else at[0] -%}
            {%- set select = "select date_trunc('day', " ~ known_at ~ ') as day, count(*) as row_count, sum('
                ~ holdfast.row_hash(columns) ~ ') as rows_hash from ' ~ event.relation ~ ' as inputs group by 1' -%}
            {%- if select not in selects -%}
                {%- do selects.append(select) -%}
            {%- endif -%}
        {%- endfor -%}
    {%- endif -%}
    {{- return(selects) -}}
{% endmacro %}


{#-
  The note of a feature view's table, its comment, as {definition, built_from}: the definition that it was built from, and
  what its dates were. `built_from` is empty where it is not known.
-#}
{% macro _note_of(relation) %}
    {%- set comment = run_query(holdfast.table_comment(relation)).columns[0].values()[0] or '' -%}
    {%- set match = modules.re.fullmatch('(holdfast [0-9a-f]{32})(?: (.*))?', comment) -%}
    {%- set told = fromjson(match.group(2)) if match is not none and match.group(2) else {} -%}
    {{- return({
        'definition': match.group(1) if match is not none else none,
        'built_from': told.dates if told.get('hashed_by') == holdfast._hashed_by() else {},
    }) -}}
{% endmacro %}


{#- Other versions may hash otherwise. -#}
{% macro _hashed_by() %}
    {{- return(run_query('select version()').columns[0].values()[0]) -}}
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
