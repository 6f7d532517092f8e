{#-
  A feature view never looks into the future. For the last observation dates, the view is computed again from copies of
  its inputs in which nothing is left that came at or after the date: later events and rows loaded later are gone, values
  filled in later (such as a ticket's resolution) are NULL again. Every row must come out as it stands in the table.

  `inputs` adds event tables of your own: {my_events: {at: happened_at, known_at: loaded_at, later: {closed_at: [closed_at,
  outcome]}}}. `dates` is how many observation dates are checked, the latest first.

  `sample` is how many customers (or whatever the view's rows are about) are checked, by a hash that chooses others for each
  date; none checks all of them, and so does the var `holdfast_test_everything`. A sample reads only the events of its own
  customers: what comes out as stored from a part of what was known then looks at nothing later. A view that reads the rows of
  others, such as a rank, does not come out so; then the sample is computed once more, from the events of all.
-#}
{% test as_known_then(model, dates=3, inputs={}, sample=1000) %}

{#- asks what a view's SQL does, which a day does not change -#}
{{ config(tags=['holdfast_weekly']) }}

{%- if sample is not none and (sample is not integer or sample is boolean or sample < 1) -%}
    {%- do exceptions.raise_compiler_error(
        'holdfast.as_known_then: `sample` must be a whole number, 1 or more, or none for everything; got: ' ~ sample
    ) -%}
{%- endif -%}
{%- if execute and holdfast.exists(model) -%}
    {%- set view = holdfast._node_behind(model) -%}
    {%- set whole = holdfast.render_view(view, '__holdfast_spine__') -%}
    {%- set columns = holdfast._quoted(adapter.get_columns_in_relation(model) | map(attribute='name')) | join(', ') -%}
    {%- set cutoffs = run_query(
        'select distinct cast(as_of as varchar) as as_of from ' ~ model ~ ' order by 1 desc nulls last limit ' ~ dates
    ).columns[0].values() -%}
    {%- set is_sample = sample is not none and not holdfast.setting('test_everything') -%}
    {%- set key = holdfast.quoted(whole.entity[0]) -%}
    {%- set in_sample = key ~ ' in (select ' ~ key ~ ' from holdfast_sample)' -%}

    {%- set times_of = {} -%}
    {%- for name, times in holdfast.event_times().items() -%}
        {%- do times_of.update({holdfast._relation_of(name, 'holdfast') | string: times}) -%}
    {%- endfor -%}
    {%- for name, times in inputs.items() -%}
        {%- do times_of.update({holdfast._relation_of(name) | string: times}) -%}
    {%- endfor -%}
    {#- the inputs that the view reads and that have its key, by the CTE of the sample's rows -#}
    {%- set slices = {} -%}
    {%- if is_sample -%}
        {%- for relation in times_of
            if relation in whole.sql and whole.entity[0] | lower in holdfast._column_types(relation) -%}
            {%- do slices.update({relation: 'holdfast_input_' ~ loop.index}) -%}
        {%- endfor -%}
    {%- endif -%}

    {%- if not cutoffs -%}
select 1 as nothing_to_check where false
    {%- else -%}
        {%- set ctes = [] -%}
        {%- set attempt = namespace(sql='', is_done=false) -%}
        {%- if is_sample -%}
            {%- do ctes.append(
                'holdfast_sample as (select ' ~ key ~ ' from (select distinct ' ~ key ~ ' from ' ~ whole.spine ~ ' where as_of in (timestamp '
                ~ holdfast._texts(cutoffs) | join(', timestamp ') ~ ')) as asked order by '
                ~ holdfast.stable_number('cast(' ~ key ~ ' as varchar) || ' ~ holdfast.text(' ' ~ cutoffs[0])) ~ ' asc nulls last, ' ~ key
                ~ ' asc nulls last limit ' ~ sample ~ ')'
            ) -%}
        {%- endif -%}
        {%- for is_sliced in [true, false] if not attempt.is_done and (slices or not is_sliced) -%}
            {%- set parts = ctes | list -%}
            {%- set computed_rows = [] -%}
            {%- for relation, name in slices.items() if is_sliced -%}
                {%- do parts.append(name ~ ' as (select * from ' ~ relation ~ ' where ' ~ in_sample ~ ')') -%}
            {%- endfor -%}
            {%- for cutoff in cutoffs -%}
                {%- set date = 'timestamp ' ~ holdfast.text(cutoff) -%}
                {%- set of_date = 'where as_of = ' ~ date ~ (' and ' ~ in_sample if is_sample else '') -%}
                {%- set computed = namespace(sql=whole.sql) -%}
                {%- for relation, times in times_of.items() -%}
                    {%- set rows = slices[relation] if is_sliced and relation in slices else relation -%}
                    {%- set computed.sql = computed.sql | replace(relation, holdfast.as_known_at(rows, times, date)) -%}
                {%- endfor -%}
                {%- set computed.sql = computed.sql | replace('__holdfast_spine__', '(select * from ' ~ whole.spine ~ ' ' ~ of_date ~ ')') -%}
                {%- do computed_rows.append('select ' ~ columns ~ ' from (\n' ~ computed.sql ~ '\n) as computed') -%}
            {%- endfor -%}
            {%- do parts.append(
                'holdfast_stored as (select ' ~ columns ~ ' from ' ~ model ~ ' where as_of in (timestamp '
                ~ holdfast._texts(cutoffs) | join(', timestamp ') ~ ')' ~ (' and ' ~ in_sample if is_sample else '') ~ ')'
            ) -%}
            {%- do parts.append('holdfast_computed as (' ~ computed_rows | join('\nunion all\n') ~ ')') -%}
            {%- set attempt.sql = 'with\n\n' ~ parts | join(',\n\n') ~ '\n\n(select * from holdfast_stored except all select * from holdfast_computed)'
                ~ '\nunion all\n(select * from holdfast_computed except all select * from holdfast_stored)' -%}
            {%- if is_sliced and flags.WHICH in ['build', 'test']
                and run_query('select count(*) from (' ~ attempt.sql ~ ') as differences').columns[0].values()[0] == 0 -%}
                {%- set attempt.is_done = true -%}
                {%- set attempt.sql = 'select 1 as nothing_differs where false' -%}
            {%- endif -%}
        {%- endfor -%}
{{ attempt.sql }}
    {%- endif -%}
{%- endif -%}

{% endtest %}
