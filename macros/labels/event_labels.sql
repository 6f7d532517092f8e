{#-
  The select of labels that tell whether an event comes within a horizon, for every row of the spine: the entity's
  columns, as_of, horizon_ends_at, is_mature and the label. The horizon is [as_of + lead, as_of + lead + horizon), in days; while it is not
  over, the label is NULL. With `absent=true` the label is true where no event comes, as for churn. With `value`, an aggregate
  of columns of the events such as 'sum(amount)', the label is that number, 0 where no event comes.
-#}
{% macro event_labels(
    label, events, event_at, horizon_days, lead_days=0, where=none, absent=false, spine=none, value=none, entity=['customer_id']
) %}
    {%- set spine = spine or ref('holdfast', 'holdfast__customer_spine') -%}
    {%- if modules.re.fullmatch('[A-Za-z_][A-Za-z0-9_]*', label | string) is none -%}
        {%- do holdfast._refuse_labels("`label` must be letters, digits and _; got: " ~ label) -%}
    {%- endif -%}
    {%- for name, days, least in [('horizon_days', horizon_days, 1), ('lead_days', lead_days, 0)]
        if days is not integer or days is boolean or days < least -%}
        {%- do holdfast._refuse_labels('`' ~ name ~ '` must be a whole number of days, ' ~ least ~ ' or more; got: ' ~ days) -%}
    {%- endfor -%}
    {%- if value is not none and (absent or value is not string or value | trim == '') -%}
        {%- do holdfast._refuse_labels('`value` must be an aggregate such as sum(amount), without `absent`; got: ' ~ value) -%}
    {%- endif -%}
    {%- set keys = holdfast._quoted(entity) -%}
    {%- set happened_at = namespace(sql=holdfast.quoted(event_at)) -%}
    {%- if execute and (events is string or holdfast.exists(events)) -%}
        {%- set found = holdfast._column_types(events) -%}
        {%- for column in entity + [event_at] if column | lower not in found -%}
            {%- do holdfast._refuse_labels(
                'the events ' ~ events ~ ' have no column ' ~ column ~ '; they have ' ~ found.keys() | join(', ')
            ) -%}
        {%- endfor -%}
        {%- set happened_at.sql = holdfast._cast_column(happened_at.sql, found[event_at | lower], 'timestamp') -%}
    {%- endif -%}
    {%- set time = 'holdfast_happened_at' if value else 'happened_at' %}
with

spine as (

    select
        {{ holdfast._key_list('', keys) }}
        as_of,
        as_of + interval {{ lead_days }} day as horizon_starts_at,
        as_of + interval {{ lead_days + horizon_days }} day as horizon_ends_at,
    from {{ spine }}

),

events as (

    select
        {{ '*' if value else keys | join(', ') }},
        {{ happened_at.sql }} as {{ time }},
    from {{ events }}
    {%- if where %}
    where {{ where }}
    {%- endif %}

),

known as (

    select {{ holdfast.known_until(events, event_at) }} as known_until,

),

happened as (

    {%- if value %}

    select
        {%- for column in entity %}
        spine.{{ holdfast.quoted('holdfast_' ~ column) }} as {{ holdfast.quoted(column) }},
        {%- endfor %}
        spine.holdfast_as_of as as_of,
        cast({{ value }} as double) as label_value,
    from (
        -- the value names columns of the events, and those of the spine must not be called the same
        select
            {%- for column in entity %}
            {{ holdfast.quoted(column) }} as {{ holdfast.quoted('holdfast_' ~ column) }},
            {%- endfor %}
            as_of as holdfast_as_of,
            horizon_starts_at as holdfast_horizon_starts_at,
            horizon_ends_at as holdfast_horizon_ends_at,
        from spine
    ) as spine
    inner join events
        on events.{{ time }} >= spine.holdfast_horizon_starts_at
        and events.{{ time }} < spine.holdfast_horizon_ends_at
        {%- for column in entity %}
        and events.{{ holdfast.quoted(column) }} = spine.{{ holdfast.quoted('holdfast_' ~ column) }}
        {%- endfor %}
    group by all
    {%- else %}

    select distinct
        {{ holdfast._key_list('spine.', keys) }}
        spine.as_of,
    from spine
    inner join events
        on {{ holdfast._same_keys('events', 'spine', keys) }}
        and events.{{ time }} >= spine.horizon_starts_at
        and events.{{ time }} < spine.horizon_ends_at
    {%- endif %}

),

final as (

    select
        {{ holdfast._key_list('spine.', keys) }}
        spine.as_of,
        spine.horizon_ends_at,
        spine.horizon_ends_at <= known.known_until as is_mature,
        case
            when spine.horizon_ends_at <= known.known_until
                {%- set came = 'happened.' ~ keys[0] ~ ' is ' ~ ('null' if absent else 'not null') %}
                then {{ 'coalesce(happened.label_value, 0)' if value else came }}
        end as {{ holdfast.quoted(label) }},
    from spine
    cross join known
    left join happened
        on {{ holdfast._same_keys('happened', 'spine', keys + ['as_of']) }}

)

select * from final
{%- endmacro %}


{% macro _refuse_labels(message) %}
    {%- do exceptions.raise_compiler_error('holdfast.event_labels: ' ~ message) -%}
{% endmacro %}
