{#-
  The select of what to do about each theme, theme and action: those of the language, replaced by the var `holdfast_theme_actions`,
  a mapping of themes to actions or the name of a model or seed with these two columns. An action that is NULL there is none.
-#}
{% macro theme_actions() %}
    {%- set own = holdfast.setting('theme_actions') -%}
    {%- set actions = holdfast.language().actions -%}
    {%- if own is mapping -%}
        {%- do actions.update(own) -%}
    {%- endif -%}
    {%- set rows = [] -%}
    {%- for theme, action in actions.items() -%}
        {%- do rows.append(
            'select ' ~ holdfast.text(theme) ~ ' as theme, ' ~ (holdfast.text(action) if action else 'cast(null as varchar)') ~ ' as action'
        ) -%}
    {%- endfor -%}
    {%- set shipped = rows | join('\n        union all ') -%}
    {%- if own is not string -%}
        {{- return(shipped) -}}
    {%- endif -%}
    {%- set replaced = 'select cast(theme as varchar) as theme, max(cast(action as varchar)) as action from ' ~ holdfast._ref(own)
        ~ ' where theme is not null group by cast(theme as varchar)' -%}
    {{- return(
        replaced ~ '\n        union all select shipped.theme, shipped.action from (' ~ shipped ~ ') as shipped where shipped.theme not in ('
        ~ 'select cast(theme as varchar) from ' ~ holdfast._ref(own) ~ ' where theme is not null)'
    ) -}}
{% endmacro %}
