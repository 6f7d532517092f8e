{#-
  Checks the arguments of a feature view and gives the view as a dict: event_at, keys, delay, windows, and columns, each
  {name, sql, conditions, window, empty, lifetime, recency, carry}.
-#}
{% macro _read_view(event_at, features, windows, lifetime, recency, entity, delay) %}
    {%- if delay is not integer or delay is boolean or delay < 0 -%}
        {%- do holdfast._refuse_view('`delay` must be a whole number of days, 0 or more; got: ' ~ delay) -%}
    {%- endif -%}
    {%- if entity is string or entity is not sequence or entity | length == 0 -%}
        {%- do holdfast._refuse_view('`entity` must be a list of columns, such as [\'customer_id\']; got: ' ~ entity) -%}
    {%- endif -%}
    {%- set columns = [] -%}

    {%- for name, spec in features.items() -%}
        {%- do holdfast._check_feature(name, spec, ['sql', 'empty', 'where', 'windows']) -%}
        {%- set own_windows = spec.get('windows', windows) -%}
        {%- if not own_windows -%}
            {%- do holdfast._refuse_view(
                "the feature '" ~ name ~ "' has no windows; give `windows=[30, 90]`, or put it under `lifetime`"
            ) -%}
        {%- endif -%}
        {%- for spelled in own_windows -%}
            {%- set window = holdfast._read_window(spelled) -%}
            {%- do columns.append({
                'name': name ~ '_' ~ window.suffix, 'sql': spec.sql, 'where': spec.get('where'), 'window': window,
                'empty': spec.get('empty'), 'lifetime': false, 'recency': false, 'carry': none,
            }) -%}
        {%- endfor -%}
    {%- endfor -%}

    {%- for name, spec in lifetime.items() -%}
        {%- do holdfast._check_feature(name, spec, ['sql', 'empty', 'where']) -%}
        {%- do columns.append({
            'name': name, 'sql': spec.sql, 'where': spec.get('where'), 'window': none,
            'empty': spec.get('empty'), 'lifetime': true, 'recency': false,
            'carry': holdfast._carry(spec.sql, spec.get('where')),
        }) -%}
    {%- endfor -%}

    {%- for name, spec in recency.items() -%}
        {%- if spec is not string and (spec is not mapping or spec.keys() | reject('in', ['at', 'where']) | list) -%}
            {%- do holdfast._refuse_view(
                "the recency '" ~ name ~ "' must be a column or {'at': column, 'where': condition}; got: " ~ spec
            ) -%}
        {%- endif -%}
        {%- set at = spec if spec is string else spec.get('at', event_at) -%}
        {%- set where = none if spec is string else spec.get('where') -%}
        {%- set sql = 'max(' ~ holdfast.quoted(at) ~ ')' -%}
        {%- do holdfast._check_feature(name, {'sql': sql}, ['sql']) -%}
        {%- do columns.append({
            'name': name, 'sql': sql, 'where': where, 'window': none, 'empty': none, 'lifetime': true, 'recency': true,
            'carry': holdfast._carry(sql, where),
        }) -%}
    {%- endfor -%}

    {%- if not columns -%}
        {%- do holdfast._refuse_view('give at least one of `features`, `lifetime`, `recency`') -%}
    {%- endif -%}
    {%- set taken = [] -%}
    {%- for column in columns -%}
        {%- if column.name | lower in taken or column.name | lower in entity | map('lower') | list + ['as_of'] -%}
            {%- do holdfast._refuse_view("two columns are named '" ~ column.name ~ "'") -%}
        {%- endif -%}
        {%- do taken.append(column.name | lower) -%}
    {%- endfor -%}

    {{- return({
        'event_at': event_at, 'key_columns': holdfast._quoted(entity), 'entity': entity, 'columns': columns,
        'delay': {'months': 0, 'days': delay} if delay else none,
    }) -}}
{% endmacro %}


{% macro _refuse_view(message) %}
    {%- do exceptions.raise_compiler_error('holdfast.feature_view: ' ~ message) -%}
{% endmacro %}


{#- A window as an author writes it: 30 or '30d' (days), '4w' (weeks), '6m' (months), '30d offset 30d'. -#}
{% macro _read_window(spelled) %}
    {%- set text = (spelled ~ 'd') if spelled is integer and spelled is not boolean else spelled | string | trim -%}
    {%- set match = modules.re.fullmatch('([1-9][0-9]*)([dwm])(?: offset ([1-9][0-9]*)([dwm]))?', text) -%}
    {%- if match is none -%}
        {%- do holdfast._refuse_view(
            "`windows` takes a whole number of days, 1 or more, or a text such as '30d', '4w', '6m', '30d offset 30d'; got: " ~ spelled
        ) -%}
    {%- endif -%}
    {{- return({
        'suffix': text | replace(' ', '_'),
        'length': holdfast._span(match.group(1), match.group(2)),
        'offset': holdfast._span(match.group(3), match.group(4)) if match.group(3) else none,
    }) -}}
{% endmacro %}


{#- A span of time as {months, days}. -#}
{% macro _span(count, unit) %}
    {%- set days = {'d': 1, 'w': 7, 'm': 0}[unit] -%}
    {{- return({'months': count | int if unit == 'm' else 0, 'days': count | int * days}) -}}
{% endmacro %}


{% macro _check_feature(name, spec, allowed) %}
    {%- if modules.re.fullmatch('[A-Za-z_][A-Za-z0-9_]*', name) is none -%}
        {%- do holdfast._refuse_view("a feature's name must be letters, digits and _; got: " ~ name) -%}
    {%- endif -%}
    {%- if spec is not mapping or spec.get('sql') is not string -%}
        {%- do holdfast._refuse_view(
            "the feature '" ~ name ~ "' must be a mapping with `sql`, for example {'sql': 'count(*)', 'empty': 0}; got: " ~ spec
        ) -%}
    {%- endif -%}
    {%- for key in spec if key not in allowed -%}
        {%- do holdfast._refuse_view(
            "the feature '" ~ name ~ "' has an unknown setting '" ~ key ~ "'; allowed: " ~ allowed | join(', ')
        ) -%}
    {%- endfor -%}
    {%- if modules.re.fullmatch('\s*[A-Za-z_][A-Za-z0-9_]*\s*\(.*\)\s*', spec.sql, modules.re.DOTALL) is none
        or holdfast._closes_early(spec.sql) -%}
        {%- do holdfast._refuse_view(
            "the `sql` of '" ~ name ~ "' must be one aggregate call, such as sum(amount); got: " ~ spec.sql
            ~ ". Ratios and differences of features go into a second select over the view."
        ) -%}
    {%- endif -%}
{% endmacro %}


{#- Whether the first bracket closes before the end, as in sum(a) / count(b): then it is more than one call. -#}
{% macro _closes_early(sql) %}
    {%- set state = namespace(depth=0, closed=false, early=false) -%}
    {%- for character in sql | trim -%}
        {%- if state.closed -%}
            {%- set state.early = true -%}
        {%- elif character == '(' -%}
            {%- set state.depth = state.depth + 1 -%}
        {%- elif character == ')' -%}
            {%- set state.depth = state.depth - 1 -%}
            {%- set state.closed = state.depth == 0 -%}
        {%- endif -%}
    {%- endfor -%}
    {{- return(state.early) -}}
{% endmacro %}


{#-
  How an aggregate over the lifetime is carried from date to date, {step, combine}: its value per step, and how the
  values of the steps become one. None for aggregates that cannot be put together from parts, such as
  medians and distinct counts: those read the whole history of each date.
-#}
{% macro _carry(sql, where) %}
    {%- set match = modules.re.fullmatch(
        '\s*(count|sum|min|max)\s*\((?!\s*distinct[\s(])(.*)\)\s*', sql, modules.re.DOTALL + modules.re.IGNORECASE
    ) -%}
    {%- if match is none or ' order ' in sql | lower -%}
        {{- return(none) -}}
    {%- endif -%}
    {%- set combine = {
        'count': 'cast(sum() as bigint)', 'sum': 'sum()', 'min': 'min()', 'max': 'max()',
    }[match.group(1) | lower] -%}
    {{- return({'step': {'sql': sql, 'where': where, 'window': none}, 'combine': combine}) -}}
{% endmacro %}
