{#-
  The features of an input of events that its data decides on, {aggregates, recency, columns}. `aggregates` and `recency` are what
  feature_view takes as `features` and `recency` over events with the columns event_slot, event_type, value and source; `columns` are those of
  the view, a list of {name, sql, description, say, place}, over its results as `counted` and `since`. `say` is a list of phrases for
  reasons, and views order the columns by `place`.

  For each type: counts in the two shorter windows of horizon_windows, the change against the time before, the share of all events, and
  the days since the last. With `totals` also those of all types together: counts, active days and weeks, types, and sums and means of the
  value, where the input has one.
-#}
{% macro event_columns(source, totals=true) %}
    {%- set types = holdfast.kept_event_types(source) -%}
    {%- set prefix = holdfast._prefix_of(source) -%}
    {%- set windows = holdfast.horizon_windows() -%}
    {%- set short, long = windows[0], windows[1] -%}
    {%- set before = long ~ 'd offset ' ~ long ~ 'd' -%}
    {%- set from = ['source = ' ~ holdfast.text(source)] if source != 'web_events' and holdfast.event_inputs() | length > 1 else [] -%}
    {%- set found = {'aggregates': {}, 'recency': {}, 'columns': []} -%}
    {%- set told = {'prefix': prefix, 'short': short, 'long': long, 'total': prefix ~ '_count', 'words': holdfast.language().events} -%}

    {%- set total = {'sql': 'count(*)', 'empty': 0, 'windows': [long]} -%}
    {%- if from -%}
        {%- do total.update({'where': from[0]}) -%}
    {%- endif -%}
    {%- do found.aggregates.update({told.total: total}) -%}
    {%- if totals -%}
        {%- set has_value = types | map(attribute='word') | select('equalto', 'value') | list | length > 0 -%}
        {%- do holdfast._add_totals(found, told, source, from, windows, before, has_value) -%}
    {%- endif -%}
    {%- for type in types if type.slot is not none -%}
        {%- set where = (['event_slot = ' ~ type.slot] + from) | join(' and ') -%}
        {%- set name = prefix ~ '_' ~ type.word -%}
        {%- do found.aggregates.update({name ~ '_count': {
            'sql': 'count(*)', 'where': where, 'empty': 0, 'windows': [short, long, before],
        }}) -%}
        {%- do found.recency.update({prefix ~ '_days_since_' ~ type.word: {'at': 'occurred_at', 'where': where}}) -%}
        {%- do holdfast._add_type(found, told, type, name) -%}
    {%- endfor -%}
    {%- for column in found.columns if column.place is not defined -%}
        {%- do column.update({'place': 0}) -%}
    {%- endfor -%}
    {{- return(found) -}}
{% endmacro %}


{#- What the names of an input's features begin with. -#}
{% macro _prefix_of(source) %}
    {{- return({'web_events': 'web', 'events': 'event'}.get(source, 'event_' ~ source)) -}}
{% endmacro %}


{#- The columns of one type, or of all others. -#}
{% macro _add_type(found, told, type, name) %}
    {%- set called = 'events of the type ' ~ type.event_type if type.event_type is not none else 'events of types without features of their own' -%}
    {%- set count, long = name ~ '_count_', told.long -%}
    {#- brackets and braces are the marks of words and values in phrases -#}
    {%- set plain = modules.re.sub('[][{}]', ' ', type.event_type or '') | trim -%}
    {%- set shown = plain if plain | length <= 40 else plain[:39] ~ '…' -%}
    {#- what a shop's visitors do is told in words of its own -#}
    {%- set is_known = told.prefix == 'web' and type.event_type in told.words.known -%}
    {%- set subject = told.words.known[type.event_type] if is_known
        else told.words.type | replace('[name]', shown) if shown else told.words.other -%}
    {%- set phrases = {} -%}
    {%- for kind in ['count', 'more', 'less', 'since', 'share'] -%}
        {%- set words = told.words.known_since[type.event_type] if is_known and kind == 'since' else told.words[kind] -%}
        {%- do phrases.update({kind: words | replace('[type]', subject)}) -%}
    {%- endfor -%}
    {%- for days in [told.short, long] -%}
        {%- do found.columns.append({
            'place': type.place, 'name': count ~ days ~ 'd', 'sql': 'counted.' ~ holdfast.quoted(count ~ days ~ 'd'),
            'description': 'Number of ' ~ called ~ ' in the ' ~ days ~ ' days before as_of.',
            'say': [holdfast._phrase_of(phrases['count'], count ~ days ~ 'd', days)],
        }) -%}
    {%- endfor -%}
    {%- set now, then = holdfast.quoted(count ~ long ~ 'd'), holdfast.quoted(count ~ long ~ 'd_offset_' ~ long ~ 'd') -%}
    {%- set trend = name ~ '_trend_' ~ long ~ 'd' -%}
    {%- do found.columns.append({
        'place': type.place, 'name': trend, 'sql': 'counted.' ~ now ~ ' - counted.' ~ then,
        'description': 'Change in ' ~ called ~ ': number in the ' ~ long ~ ' days before as_of minus number in the ' ~ long ~ ' days before those.',
        'say': [
            {'say': holdfast._phrase_of(phrases.more, count ~ long ~ 'd', long), 'when': '{' ~ trend ~ '} > 0'},
            {'say': holdfast._phrase_of(phrases.less, count ~ long ~ 'd', long), 'when': '{' ~ trend ~ '} < 0'},
        ],
    }) -%}
    {%- set share = name ~ '_share_' ~ long ~ 'd' -%}
    {%- do found.columns.append({
        'place': type.place, 'name': share,
        'sql': 'counted.' ~ now ~ ' / cast(nullif(counted.' ~ holdfast.quoted(told.total ~ '_' ~ long ~ 'd') ~ ', 0) as double)',
        'description': 'Share of ' ~ called ~ ' among all events of the customer in the ' ~ long ~ ' days before as_of; NULL without any.',
        'say': [holdfast._phrase_of(phrases.share, share, long)],
    }) -%}
    {%- set since = told.prefix ~ '_days_since_' ~ type.word -%}
    {%- do found.columns.append({
        'place': type.place, 'name': since, 'sql': 'since.' ~ holdfast.quoted(since),
        'description': 'Whole days between the last of the ' ~ called ~ ' and as_of; NULL if there is none.',
        'say': [holdfast._phrase_of(phrases.since, since, none)],
    }) -%}
{% endmacro %}


{#- The aggregates and columns of all types of an input together. -#}
{% macro _add_totals(found, told, source, from, windows, before, has_value) %}
    {%- set prefix, short, long, words = told.prefix, told.short, told.long, told.words -%}
    {%- set where = from[0] if from else none -%}
    {%- set called = 'events' ~ (' of the input ' ~ source if from else '') -%}
    {%- set seen = [] -%}
    {%- for days in windows if days <= 2 * long -%}
        {%- do seen.append(days) -%}
    {%- endfor -%}
    {%- set aggregates = {
        '_count': {'sql': 'count(*)', 'empty': 0, 'windows': seen + [before]},
        '_active_days': {'sql': 'count(distinct cast(occurred_at as date))', 'empty': 0, 'windows': [short, long]},
        '_active_weeks': {'sql': "count(distinct date_trunc('week', occurred_at))", 'empty': 0, 'windows': [long]},
        '_types': {'sql': 'count(distinct event_type)', 'empty': 0, 'windows': [long]},
    } -%}
    {%- set columns = [] -%}
    {%- for days in seen -%}
        {%- do columns.append(['_count_' ~ days ~ 'd', 'Number of ' ~ called ~ ' in the ' ~ days ~ ' days before as_of.', 'events', days]) -%}
    {%- endfor -%}
    {%- for days in [short, long] -%}
        {%- do columns.append(
            ['_active_days_' ~ days ~ 'd', 'Number of days (UTC) with ' ~ called ~ ' in the ' ~ days ~ ' days before as_of.', 'days', days]
        ) -%}
    {%- endfor -%}
    {%- do columns.append(
        ['_active_weeks_' ~ long ~ 'd', 'Number of weeks (UTC, from Monday) with ' ~ called ~ ' in the ' ~ long ~ ' days before as_of.', 'weeks', long]
    ) -%}
    {%- do columns.append(
        ['_types_' ~ long ~ 'd', 'Number of different types of ' ~ called ~ ' in the ' ~ long ~ ' days before as_of.', 'types', long]
    ) -%}
    {%- if has_value -%}
        {#- exact to the fourth decimal: a sum of doubles ends differently with each order of the rows -#}
        {%- set value = 'try_cast(value as decimal(30, 4))' -%}
        {%- do aggregates.update({
            '_value_sum': {'sql': 'sum(' ~ value ~ ')', 'windows': [short, long]},
            '_value_count': {'sql': 'count(' ~ value ~ ')', 'windows': [long]},
        }) -%}
    {%- endif -%}
    {%- for name, spec in aggregates.items() -%}
        {%- if where -%}
            {%- do spec.update({'where': where}) -%}
        {%- endif -%}
        {%- do found.aggregates.update({prefix ~ name: spec}) -%}
    {%- endfor -%}
    {%- do found.recency.update({prefix ~ '_days_since_last': {'at': 'occurred_at', 'where': where} if where else 'occurred_at'}) -%}

    {%- for suffix, description, kind, days in columns -%}
        {%- set name = prefix ~ suffix -%}
        {%- do found.columns.append({
            'name': name, 'sql': 'counted.' ~ holdfast.quoted(name), 'description': description,
            'say': [holdfast._phrase_of(words[kind], name, days)],
        }) -%}
    {%- endfor -%}
    {%- set count, trend = told.total ~ '_' ~ long ~ 'd', prefix ~ '_trend_' ~ long ~ 'd' -%}
    {%- do found.columns.append({
        'name': trend, 'sql': 'counted.' ~ holdfast.quoted(count) ~ ' - counted.' ~ holdfast.quoted(count ~ '_offset_' ~ long ~ 'd'),
        'description': 'Change in ' ~ called ~ ': number in the ' ~ long ~ ' days before as_of minus number in the ' ~ long ~ ' days before those.',
        'say': [
            {'say': holdfast._phrase_of(words.more | replace('[type]', words.all), count, long), 'when': '{' ~ trend ~ '} > 0'},
            {'say': holdfast._phrase_of(words.less | replace('[type]', words.all), count, long), 'when': '{' ~ trend ~ '} < 0'},
        ],
    }) -%}
    {%- set since = prefix ~ '_days_since_last' -%}
    {%- do found.columns.append({
        'name': since, 'sql': 'since.' ~ holdfast.quoted(since),
        'description': 'Whole days between the last of the ' ~ called ~ ' and as_of; NULL if there is none.',
        'say': [holdfast._phrase_of(words.since | replace('[type]', words.all), since, none)],
    }) -%}
    {%- if has_value -%}
        {%- for days in [short, long] -%}
            {%- set name = prefix ~ '_value_sum_' ~ days ~ 'd' -%}
            {%- do found.columns.append({
                'name': name, 'sql': 'cast(counted.' ~ holdfast.quoted(name) ~ ' as double)',
                'description': 'Sum of the values of ' ~ called ~ ' in the ' ~ days ~ ' days before as_of; NULL without any.',
                'say': [holdfast._phrase_of(words.value_sum, name, days)],
            }) -%}
        {%- endfor -%}
        {%- set name = prefix ~ '_value_mean_' ~ long ~ 'd' -%}
        {%- do found.columns.append({
            'name': name,
            'sql': 'cast(counted.' ~ holdfast.quoted(prefix ~ '_value_sum_' ~ long ~ 'd') ~ ' as double) / cast(nullif(counted.'
                ~ holdfast.quoted(prefix ~ '_value_count_' ~ long ~ 'd') ~ ', 0) as double)',
            'description': 'Mean value of ' ~ called ~ ' in the ' ~ long ~ ' days before as_of; NULL without any.',
            'say': [holdfast._phrase_of(words.value_mean, name, long)],
        }) -%}
    {%- endif -%}
{% endmacro %}


{#- A phrase with the feature in the place of n, and the words of its window. -#}
{% macro _phrase_of(words, feature, days) %}
    {%- set language = holdfast.language() -%}
    {{- return(
        words | replace('{n', '{' ~ feature) | replace('[window]', language.year if days == 365 else language.window) | replace('[W]', days | string)
    ) -}}
{% endmacro %}
