{#-
  What a feature view has to compute in this build, {dates, condition}. `dates` are the observation dates as texts, in
  order, where they are few enough to be treated one by one; none for arbitrary timestamps. `condition` restricts the
  spine; none when everything is to be computed.

  An incremental build computes the dates that are new, those whose customers are no longer the ones that were
  computed, those that late rows may still touch, and with `holdfast_rebuild_changed` those whose inputs have changed since.
  A view whose definition changed is computed anew for all dates.
  `keys` are the entity's columns, quoted.
-#}
{% macro _pending_dates(spine, keys) %}
    {%- set most = 60 -%}
    {%- if spine is string or not holdfast.exists(spine) -%}
        {{- return({'dates': none, 'condition': none}) -}}
    {%- endif -%}
    {%- set pending = 'select distinct as_of from ' ~ spine -%}
    {%- set all_pending = not is_incremental() or holdfast.definition_changed() -%}
    {%- if not all_pending -%}
        {%- set changed = holdfast._changed_dates(holdfast._note_of(this).built_from, holdfast._built_from(spine))
            if holdfast.setting('rebuild_changed') else [] -%}
        {%- set pending -%}
            select asked.as_of from ({{ holdfast._dates_and_keys(spine, keys) }}) as asked
            left join ({{ holdfast._dates_and_keys(this, keys) }}) as built on built.as_of = asked.as_of
            where
                built.row_count is distinct from asked.row_count
                or built.keys_hash is distinct from asked.keys_hash
                or asked.as_of > (select max(as_of) from {{ this }}) - interval {{ holdfast.setting('lookback_days') }} day
                {%- for as_of in changed %}
                or {{ holdfast._period('asked.as_of', spine) }} = {{ holdfast._period('timestamp ' ~ holdfast.text(as_of), spine) }}
                {%- endfor %}
        {%- endset -%}
    {%- endif -%}
    {%- set found = run_query(
        'select cast(as_of as varchar) as as_of from (' ~ pending ~ ') where as_of is not null order by 1 asc nulls last limit ' ~ (most + 1)
    ).columns[0].values() -%}
    {%- if found | length > most -%}
        {{- return({'dates': none, 'condition': none if all_pending else 'as_of in (' ~ pending ~ ')'}) -}}
    {%- elif found | length == 0 -%}
        {{- return({'dates': none, 'condition': 'false' if not all_pending else none}) -}}
    {%- endif -%}
    {%- set condition = none -%}
    {%- if not all_pending -%}
        {%- set condition = 'as_of in (timestamp ' ~ holdfast._texts(found) | join(', timestamp ') ~ ')' -%}
    {%- endif -%}
    {{- return({'dates': found | list, 'condition': condition}) -}}
{% endmacro %}


{#-
  The observation dates of a relation, each with its number of rows and one number that stands for their keys. One
  grouped pass: comparing the keys themselves would take longer than computing a date's features.
-#}
{% macro _dates_and_keys(relation, keys) %}
    {{- return(
        'select as_of, count(*) as row_count, sum(' ~ holdfast.row_hash(keys) ~ ') as keys_hash from ' ~ relation ~ ' group by as_of'
    ) -}}
{% endmacro %}


{#-
  A fingerprint of a model's definition: its own code, the models and sources behind staging, the way views are compiled, and what
  else decides on its columns: the windows that follow the horizon, and the event types that have features. An input that is
  named as text and exchanged for another is not noticed: that takes a full refresh.
-#}
{% macro _definition_of(node) %}
    {%- set inputs = [] -%}
    {%- for other in graph.nodes.values() | sort(attribute='unique_id')
        if other.package_name == 'holdfast' and other.resource_type == 'model' and other.name.startswith('stg_') -%}
        {%- do inputs.append(other.name ~ ' ' ~ other.depends_on.nodes | join(' ')) -%}
    {%- endfor -%}
    {#- dbt notes only the macros that the model itself calls, not those that these call -#}
    {%- set by_horizon = ['macro.holdfast.horizon_windows', 'macro.holdfast.order_windows', 'macro.holdfast.event_columns'] -%}
    {%- if node.depends_on.macros | select('in', by_horizon) | list -%}
        {%- do inputs.append(holdfast.horizon_windows() | join(' ')) -%}
    {%- endif -%}
    {%- if 'macro.holdfast.event_columns' in node.depends_on.macros -%}
        {#- by their types too: another type may have got a name that has become free -#}
        {%- for name, told in holdfast.event_features().items() -%}
            {%- do inputs.append(name ~ ' ' ~ told.description) -%}
        {%- endfor -%}
    {%- endif -%}
    {{- return('holdfast ' ~ local_md5('2|' ~ node.raw_code ~ '|' ~ inputs | join('|'))) -}}
{% endmacro %}
