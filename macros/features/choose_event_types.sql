{#-
  The event types that get features of their own, a list of {source, event_type, feature_word, place, chosen_on}: for each input those
  that event_types holds, then the types of most customers until there are twelve. A type counts if `holdfast_least_group`
  customers and one in 200 of the input's have had it in the year before the as-of date. Types that no customer has had in that
  year give up their place, unless the input is empty. Events of other types share the row with no type, once that many
  customers have had some. An input with the column value has a row for it, too.

  Web events begin with view, cart and search, whatever the data holds; of an input whose types the user lists, those are all.
-#}
{% macro choose_event_types() %}
    {%- set most = 12 -%}
    {#- also while dbt parses, for the refs -#}
    {%- set as_of_date = holdfast.as_of_date() -%}
    {%- do holdfast.event_inputs(reads=true) -%}
    {#- on a fresh clone `dbt compile` asks before anything is built -#}
    {%- if not execute or not holdfast.exists(holdfast._relation_of('stg_holdfast__events', 'holdfast')) -%}
        {{- return([]) -}}
    {%- endif -%}
    {%- set inputs = holdfast._inputs_with_types(reads=true) -%}
    {%- set former = {} -%}
    {#- a new type comes last, as its columns do in a table that is there already -#}
    {%- set last = namespace(place=0) -%}
    {%- if holdfast.exists(this) and not holdfast.setting('reset') -%}
        {%- for row in run_query(
            'select source, event_type, feature_word, place, cast(chosen_on as varchar) from ' ~ this ~ ' order by place asc nulls last'
        ).rows -%}
            {%- do former.setdefault(row[0], []).append(
                {'source': row[0], 'event_type': row[1], 'feature_word': row[2], 'place': row[3] | int, 'chosen_on': row[4]}
            ) -%}
            {%- set last.place = row[3] | int -%}
        {%- endfor -%}
    {%- endif -%}
    {%- set today = run_query('select cast(coalesce(' ~ as_of_date ~ ", date '1970-01-01') as varchar)").rows[0][0] -%}

    {%- set chosen = [] -%}
    {%- for source, spec in inputs.items() -%}
        {%- set known = former.get(source, []) -%}
        {%- set has_value = spec.reads is not none and 'value' in holdfast._column_types(spec.reads) -%}
        {%- set had = holdfast._types_had(spec, as_of_date, known | map(attribute='event_type') | select | list, most) -%}
        {%- set present = had | map(attribute='event_type') | list -%}
        {%- set listed = [] -%}
        {%- for event_type in spec.first -%}
            {%- if event_type not in listed -%}
                {%- do listed.append(event_type) -%}
            {%- endif -%}
        {%- endfor -%}
        {%- set kept, added, words, types = [], [], [], [] -%}
        {%- for row in known -%}
            {%- set is_kept = row.event_type in listed or (not spec.is_listed and (not present or row.event_type in present))
                if row.event_type is not none else has_value or row.feature_word != 'value' -%}
            {%- if is_kept -%}
                {%- do kept.append(row) -%}
                {%- do words.append(row.feature_word) -%}
                {%- do types.append(row.event_type) -%}
            {%- endif -%}
        {%- endfor -%}
        {%- set wanted = listed | reject('in', types) | list -%}
        {%- if not spec.is_listed -%}
            {%- set places = namespace(free=most - (types | select | list | length) - wanted | length) -%}
            {%- for one in had if places.free > 0 and one.is_common and one.event_type not in types and one.event_type not in wanted -%}
                {%- do wanted.append(one.event_type) -%}
                {%- set places.free = places.free - 1 -%}
            {%- endfor -%}
        {%- endif -%}
        {%- for event_type in wanted -%}
            {%- set word = holdfast._word_of_type(event_type, words) -%}
            {%- do words.append(word) -%}
            {%- do types.append(event_type) -%}
            {%- do added.append({'source': source, 'event_type': event_type, 'feature_word': word}) -%}
        {%- endfor -%}
        {%- if 'other' not in words and holdfast._has_other_types(spec, as_of_date, types | select | list) -%}
            {%- do added.append({'source': source, 'event_type': none, 'feature_word': 'other'}) -%}
        {%- endif -%}
        {%- if has_value and 'value' not in words -%}
            {%- do added.append({'source': source, 'event_type': none, 'feature_word': 'value'}) -%}
        {%- endif -%}
        {%- for row in added -%}
            {%- set last.place = last.place + 1 -%}
            {%- do kept.append(dict(row, place=last.place, chosen_on=today)) -%}
        {%- endfor -%}
        {%- do chosen.extend(kept) -%}
    {%- endfor -%}
    {{- return(chosen) -}}
{% endmacro %}


{#-
  The inputs of events: {source: {model, type, where, first, is_listed, reads}}; `first` are types that have features in any case, and
  `reads` is the relation that the user named.
-#}
{% macro _inputs_with_types(reads=false) %}
    {%- set inputs = {} -%}
    {%- if holdfast.has_input('web_events') -%}
        {%- do inputs.update({'web_events': {
            'model': 'stg_holdfast__web_events', 'type': holdfast.normal_event_type('event_type'),
            'where': '', 'first': ['view', 'cart', 'search'], 'is_listed': false, 'reads': none,
        }}) -%}
    {%- endif -%}
    {%- for name, spec in holdfast.event_inputs(reads=reads).items() -%}
        {%- set first = [] -%}
        {%- for event_type in spec.types or [] -%}
            {%- do first.append((event_type[:200] | trim | lower)) -%}
        {%- endfor -%}
        {%- do inputs.update({name: {
            'model': 'stg_holdfast__events', 'type': 'event_type',
            'where': ' and source = ' ~ holdfast.text(name), 'first': first, 'is_listed': spec.types is not none,
            'reads': spec.relation if reads else none,
        }}) -%}
    {%- endfor -%}
    {{- return(inputs) -}}
{% endmacro %}


{#- The customers of each type in the year before the as-of date, as it was known then. -#}
{% macro _customers_of_types(spec, as_of_date) %}
    {%- set as_of = 'cast(' ~ as_of_date ~ ' as timestamp)' -%}
    {{- return(
        'select distinct ' ~ spec.type ~ ' as event_type, customer_id from '
        ~ holdfast._relation_of(spec.model, 'holdfast') ~ ' where customer_id is not null and occurred_at < '
        ~ as_of ~ ' and occurred_at >= ' ~ as_of ~ ' - interval 365 day and coalesce(loaded_at, occurred_at) < ' ~ as_of ~ spec.where
    ) -}}
{% endmacro %}


{#-
  The types with the most customers, most first, and those of `known` that anybody has had: a list of {event_type, is_common}. Few rows come
  back however many types there are, and no type of few customers does.
-#}
{% macro _types_had(spec, as_of_date, known, most) %}
    {%- set had = [] -%}
    {%- if spec.is_listed -%}
        {{- return(had) -}}
    {%- endif -%}
    {%- set is_known = 'event_type in (' ~ holdfast._texts(known) | join(', ') ~ ')' if known else 'false' -%}
    {%- for row in run_query(
        'with pairs as (' ~ holdfast._customers_of_types(spec, as_of_date) ~ '),
        counted as (select event_type, count(*) as customers from pairs where event_type is not null group by event_type),
        ranked as (
            select *, row_number() over (order by customers desc nulls last, event_type asc nulls last) as place from counted
        )
        select event_type, customers >= ' ~ holdfast.setting('least_group')
        ~ ' and customers * 200 >= (select count(distinct customer_id) from pairs) as is_common
        from ranked where place <= ' ~ 2 * most ~ ' and customers >= ' ~ holdfast.setting('least_group') ~ ' or ' ~ is_known
        ~ ' order by place asc nulls last'
    ).rows -%}
        {%- do had.append({'event_type': row[0], 'is_common': row[1]}) -%}
    {%- endfor -%}
    {{- return(had) -}}
{% endmacro %}


{#- Whether enough customers have had events of other types, or of none, to be a group. -#}
{% macro _has_other_types(spec, as_of_date, types) %}
    {%- set other = 'event_type is null' ~ (' or event_type not in (' ~ holdfast._texts(types) | join(', ') ~ ')' if types else ' or true') -%}
    {{- return(run_query(
        'select count(distinct customer_id) from (' ~ holdfast._customers_of_types(spec, as_of_date) ~ ') as pairs where ' ~ other
    ).rows[0][0] >= holdfast.setting('least_group')) -}}
{% endmacro %}


{#-
  The word of a type in the names of its features, unlike those in `taken`: its letters and digits, with _ between. Where they are too many,
  none, or could be read as a name of another kind, a hash of the type stands behind or in their place.
-#}
{% macro _word_of_type(event_type, taken) %}
    {%- set plain = modules.re.sub('[^a-z0-9]+', '_', holdfast.plain_letters(event_type)).strip('_') -%}
    {%- set is_odd = modules.re.search('^days_since|_[0-9]+d$', plain) is not none -%}
    {%- set reserved = ['other', 'last', 'value', 'session', 'session_recent', 'visit', 'abandoned_cart'] -%}
    {%- if plain and plain | length <= 40 and not is_odd and plain not in taken and plain not in reserved -%}
        {{- return(plain) -}}
    {%- endif -%}
    {%- set hash = local_md5(event_type) -%}
    {%- set short = ('type' if is_odd or not plain else plain[:32].strip('_')) ~ '_' ~ hash[:6] -%}
    {{- return(short if short not in taken else 'type_' ~ hash) -}}
{% endmacro %}
