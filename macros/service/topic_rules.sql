{#-
  The select of what people have said of support topics: topic_id, action (rename, merge, pin or seed) and value. The var
  `holdfast_topic_rules` names a model or seed with these columns. Without it there are no rows.
-#}
{% macro topic_rules() %}
    {%- set own = holdfast.setting('topic_rules') -%}
    {%- if own is none %}
select
    cast(null as varchar) as topic_id,
    cast(null as varchar) as action,
    cast(null as varchar) as value
where 1 = 0
    {%- else -%}
        {%- set relation = holdfast._ref(own) -%}
        {%- if execute and holdfast.exists(relation) -%}
            {%- set found = holdfast._column_types(relation).keys() | list -%}
            {%- for column in ['topic_id', 'action', 'value'] if column not in found -%}
                {%- do exceptions.raise_compiler_error(
                    'The relation in the var `holdfast_topic_rules` (' ~ relation ~ ') has no column ' ~ column ~ '; it needs topic_id, '
                    ~ 'action and value, and has ' ~ found | join(', ') ~ '.'
                ) -%}
            {%- endfor -%}
        {%- endif %}
select distinct
    trim(cast(topic_id as varchar)) as topic_id,
    lower(trim(cast(action as varchar))) as action,
    trim(cast({{ holdfast.quoted('value') }} as varchar)) as value
from {{ relation }}
    {%- endif %}
{%- endmacro %}
