{#-
  The columns of what a regression forecasts: expected (at the recalibrated level), expected_raw, expected_lower and
  expected_upper, the bounds of 80 %. `value` is the SQL of the model's value, `model` one of registered_models, whose training has
  noted the level and the intervals. A model that noted none has the level 1 and no bounds.

  A linear model may go below 0, which no sum of purchases does. The bounds always hold the expectation: where fewer than one in
  five of those alike buys at all, 80 % of them spend nothing, and what is expected lies above that.
-#}
{% macro forecast_columns(model, value) %}
    {%- set forecast = (model.parameters.get('forecast') if model else none) or {} -%}
    {%- set raw = 'greatest(' ~ value ~ ', 0e0)' -%}
    {%- set expected = '(' ~ raw ~ ' * ' ~ holdfast._exponent(forecast.get('level', 1)) ~ ')' -%}
    {%- set bounds = {'lower': 'cast(null as double)', 'upper': 'cast(null as double)'} -%}
    {%- if forecast.get('interval') -%}
        {%- for side in ['lower', 'upper'] -%}
            {%- set cases = [] -%}
            {%- for bin in forecast.interval | reverse -%}
                {%- do cases.append(
                    ('else ' if loop.last else 'when ' ~ expected ~ ' >= ' ~ holdfast._exponent(bin['from']) ~ ' then ')
                    ~ holdfast._exponent(bin[side])
                ) -%}
            {%- endfor -%}
            {%- set factor = 'case ' ~ cases | join(' ') ~ ' end' if cases | length > 1 else cases[0][5:] -%}
            {%- do bounds.update({
                side: expected ~ ' * ' ~ ('least' if side == 'lower' else 'greatest') ~ '(' ~ factor ~ ', 1e0)'
            }) -%}
        {%- endfor -%}
    {%- endif %}
{{ expected }} as expected,
{{ raw }} as expected_raw,
{{ bounds.lower }} as expected_lower,
{{ bounds.upper }} as expected_upper,
{%- endmacro %}


{#- A number as SQL that no engine takes for a decimal. -#}
{% macro _exponent(number) %}
    {{- return('%.17e' | format(number | float)) -}}
{% endmacro %}
