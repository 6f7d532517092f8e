{#-
  The select of a feature view: exactly the rows of its spine, and for each the features as they were known then.
  Only events strictly before `as_of` count; a window of n days is [as_of - n days, as_of).
-#}
{% macro feature_view(spine, events, event_at, features={}, windows=[], lifetime={}, recency={}, entity=['customer_id']) %}
    {{- return(adapter.dispatch('feature_view', 'holdfast')(
        spine, events, event_at, features, windows, lifetime, recency, entity
    )) -}}
{% endmacro %}


{% macro default__feature_view(spine, events, event_at, features, windows, lifetime, recency, entity) %}
    {%- set columns = holdfast._feature_columns(event_at, features, windows, lifetime, recency) -%}
    {%- set keys = [] -%}
    {%- for column in entity -%}
        {%- do keys.append(adapter.quote(column)) -%}
    {%- endfor -%}
with

spine as (

    select
        {%- for key in keys %}
        {{ key }},
        {%- endfor %}
        as_of,
    from {{ spine }}

),

aggregated as (

    select
        {%- for key in keys %}
        spine.{{ key }},
        {%- endfor %}
        spine.as_of,
        {%- for column in columns %}
        {{ column.sql }} as {{ adapter.quote(column.name) }},
        {%- endfor %}
    from spine
    inner join {{ events }} as events
        on events.{{ adapter.quote(event_at) }} < spine.as_of
        {%- for key in keys %}
        and events.{{ key }} = spine.{{ key }}
        {%- endfor %}
    group by
        {%- for key in keys %}
        spine.{{ key }},
        {%- endfor %}
        spine.as_of

),

final as (

    select
        spine.*,
        {%- for column in columns %}
        {%- set name = 'aggregated.' ~ adapter.quote(column.name) %}
        {{ name if column.empty is none else 'coalesce(' ~ name ~ ', ' ~ column.empty ~ ')' }} as {{ adapter.quote(column.name) }},
        {%- endfor %}
    from spine
    left join aggregated
        on aggregated.as_of = spine.as_of
        {%- for key in keys %}
        and aggregated.{{ key }} = spine.{{ key }}
        {%- endfor %}

)

select * from final
{%- endmacro %}


{#- One entry per output column: its name, its aggregate over the joined events, and what an absence of events means. -#}
{% macro _feature_columns(event_at, features, windows, lifetime, recency) %}
    {%- do holdfast._check_windows(windows, 'windows') -%}
    {%- set columns = [] -%}
    {%- set taken = [] -%}

    {%- for name, spec in features.items() -%}
        {%- do holdfast._check_feature(name, spec, ['sql', 'empty', 'where', 'windows']) -%}
        {%- set own_windows = spec.get('windows', windows) -%}
        {%- do holdfast._check_windows(own_windows, name ~ '.windows') -%}
        {%- if not own_windows -%}
            {%- do exceptions.raise_compiler_error("holdfast.feature_view: the feature '" ~ name ~ "' has no windows; give `windows=[30, 90]`, or put it under `lifetime`") -%}
        {%- endif -%}
        {%- for days in own_windows -%}
            {%- set condition = 'events.' ~ adapter.quote(event_at) ~ ' >= spine.as_of - interval ' ~ days ~ ' day' -%}
            {%- do columns.append({
                'name': name ~ '_' ~ days ~ 'd', 'empty': spec.get('empty'),
                'sql': holdfast._filtered(spec.sql, [condition, spec.get('where')]),
            }) -%}
        {%- endfor -%}
    {%- endfor -%}

    {%- for name, spec in lifetime.items() -%}
        {%- do holdfast._check_feature(name, spec, ['sql', 'empty', 'where']) -%}
        {%- do columns.append({
            'name': name, 'empty': spec.get('empty'), 'sql': holdfast._filtered(spec.sql, [spec.get('where')]),
        }) -%}
    {%- endfor -%}

    {%- for name, spec in recency.items() -%}
        {%- set at = spec if spec is string else spec.get('at', event_at) -%}
        {%- set where = none if spec is string else spec.get('where') -%}
        {%- do holdfast._check_feature(name, {'sql': 'max(' ~ at ~ ')'}, ['sql']) -%}
        {%- do columns.append({
            'name': name, 'empty': none,
            'sql': holdfast.days_between(holdfast._filtered('max(' ~ adapter.quote(at) ~ ')', [where]), 'spine.as_of'),
        }) -%}
    {%- endfor -%}

    {%- for column in columns -%}
        {%- if column.name | lower in taken -%}
            {%- do exceptions.raise_compiler_error("holdfast.feature_view: two features are named '" ~ column.name ~ "'") -%}
        {%- endif -%}
        {%- do taken.append(column.name | lower) -%}
    {%- endfor -%}
    {%- if not columns -%}
        {%- do exceptions.raise_compiler_error('holdfast.feature_view: give at least one of `features`, `lifetime`, `recency`') -%}
    {%- endif -%}
    {{- return(columns) -}}
{% endmacro %}


{% macro _check_windows(windows, argument) %}
    {%- for days in windows -%}
        {%- if days is not integer or days is boolean or days < 1 -%}
            {%- do exceptions.raise_compiler_error("holdfast.feature_view: `" ~ argument ~ "` must be whole numbers of days, 1 or more; got: " ~ days) -%}
        {%- endif -%}
    {%- endfor -%}
{% endmacro %}


{% macro _check_feature(name, spec, allowed) %}
    {%- if modules.re.fullmatch('[A-Za-z_][A-Za-z0-9_]*', name) is none -%}
        {%- do exceptions.raise_compiler_error("holdfast.feature_view: a feature's name must be letters, digits and _; got: " ~ name) -%}
    {%- endif -%}
    {%- if spec is not mapping or spec.get('sql') is not string -%}
        {%- do exceptions.raise_compiler_error("holdfast.feature_view: the feature '" ~ name ~ "' must be a mapping with `sql`, for example {'sql': 'count(*)', 'empty': 0}; got: " ~ spec) -%}
    {%- endif -%}
    {%- for key in spec if key not in allowed -%}
        {%- do exceptions.raise_compiler_error("holdfast.feature_view: the feature '" ~ name ~ "' has an unknown setting '" ~ key ~ "'; allowed: " ~ allowed | join(', ')) -%}
    {%- endfor -%}
{% endmacro %}


{#- An aggregate call, restricted to the events that meet all conditions. -#}
{% macro _filtered(sql, conditions) %}
    {%- if modules.re.fullmatch('\s*[A-Za-z_][A-Za-z0-9_]*\s*\(.*\)\s*', sql, modules.re.DOTALL) is none -%}
        {%- do exceptions.raise_compiler_error(
            "holdfast.feature_view: `sql` must be one aggregate call, such as sum(amount); got: " ~ sql
            ~ ". Ratios and differences of features go into a second select over the view."
        ) -%}
    {%- endif -%}
    {%- set present = conditions | select | list -%}
    {%- if present | length == 0 -%}
        {{- return(sql) -}}
    {%- elif present | length == 1 -%}
        {{- return(sql ~ ' filter (where ' ~ present[0] ~ ')') -}}
    {%- else -%}
        {{- return(sql ~ ' filter (where ' ~ present[0] ~ ' and (' ~ present[1] ~ '))') -}}
    {%- endif -%}
{% endmacro %}
