{#-
  The select of the rules of lifecycle triggers, one row per trigger: is_enabled, priority (1 comes first), expires_days,
  period_days (the least days between two of a kind), threshold (its meaning is the trigger's own) and excluded_by (the
  triggers, with commas between them, beside which it is not sent). The var `holdfast_trigger_rules` names a model or seed
  that replaces them; what is missing there, or NULL, is as shipped.
-#}
{% macro trigger_rules() %}
    {%- set rules = [
        ['cart_without_order', 1, 3, 7, none, ''],
        ['back_in_stock', 2, 7, 14, none, ''],
        ['price_drop', 3, 7, 14, 0.1, 'cart_without_order,back_in_stock'],
        ['first_order_follow_up', 4, 14, 365, 7, 'cart_without_order'],
        ['renewal', 5, 7, 25, 7, ''],
        ['browse_without_cart', 6, 3, 7, 3, 'cart_without_order,back_in_stock,price_drop'],
        ['at_risk', 7, 21, 60, none, 'cart_without_order,win_back'],
        ['overdue', 8, 14, 30, 1.5, 'cart_without_order,first_order_follow_up,at_risk,win_back'],
        ['win_back', 9, 30, 90, none, 'cart_without_order'],
        ['anniversary', 10, 7, 300, none, 'at_risk,win_back'],
    ] -%}
    {%- set rows = [] -%}
    {%- for trigger, priority, expires_days, period_days, threshold, excluded_by in rules -%}
        {%- do rows.append(
            'select ' ~ holdfast.text(trigger) ~ ' as trigger_name, ' ~ priority ~ ' as priority, ' ~ expires_days ~ ' as expires_days, '
            ~ period_days ~ ' as period_days, cast(' ~ ('null' if threshold is none else threshold) ~ ' as double) as threshold, '
            ~ holdfast.text(excluded_by) ~ ' as excluded_by'
        ) -%}
    {%- endfor -%}
    {%- set own = holdfast.setting('trigger_rules') -%}
    {%- set found = [] -%}
    {%- if own is not none -%}
        {%- set relation = holdfast._ref(own) -%}
        {%- if execute and holdfast.exists(relation) -%}
            {%- set found = holdfast._column_types(relation).keys() | list -%}
            {%- if 'trigger' not in found -%}
                {%- do exceptions.raise_compiler_error(
                    'The relation in the var `holdfast_trigger_rules` (' ~ relation ~ ') has no column trigger; it may have trigger, '
                    ~ 'is_enabled, priority, expires_days, period_days, threshold and excluded_by, and has ' ~ found | join(', ') ~ '.'
                ) -%}
            {%- endif -%}
        {%- endif -%}
    {%- endif -%}
select
    {%- for column, type in [
        ('priority', 'integer'), ('expires_days', 'integer'), ('period_days', 'integer'), ('threshold', 'double'),
        ('excluded_by', 'varchar'),
    ] %}
    {{ 'cast(coalesce(own.' ~ column ~ ', shipped.' ~ column ~ ') as ' ~ type ~ ')' if column in found
        else 'cast(shipped.' ~ column ~ ' as ' ~ type ~ ')' }} as {{ column }},
    {%- endfor %}
    {{ 'coalesce(own.is_enabled, true)' if 'is_enabled' in found else 'true' }} as is_enabled,
    {{ 'coalesce(cast(own.trigger_name as varchar), shipped.trigger_name)' if found else 'shipped.trigger_name' }} as trigger_name,
from (
    {{ rows | join('\n    union all ') }}
) as shipped
{%- if found %}
-- what a rule names that is no trigger stays, for the test to find
full outer join (
    select
        *,
        cast({{ holdfast.quoted('trigger') }} as varchar) as trigger_name,
    from {{ holdfast._ref(own) }}
) as own on own.trigger_name = shipped.trigger_name
{%- endif %}
{%- endmacro %}
