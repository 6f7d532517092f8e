{#-
  The windows of a feature view in days, ascending, as they suit the horizon that is predicted: a third of it, the horizon, twice
  the horizon and a year; where four horizons are still half a year at most, these too. 90 days give [30, 90, 180, 365], 28 days
  [9, 28, 56, 112, 365], 7 days [2, 7, 14, 28, 365], 180 days [60, 180, 365].

  Horizons under a week take the windows of a week, for people live by weeks, and those over a year the windows of a year. A window
  within a fifth of a year is a year, since it would say the same. `horizon` is a number of days; by default `holdfast_churn_horizon_days`.
-#}
{% macro horizon_windows(horizon=none) %}
    {%- set asked = holdfast.setting('churn_horizon_days') if horizon is none else horizon -%}
    {%- if asked is not integer or asked is boolean or asked < 1 -%}
        {%- do exceptions.raise_compiler_error(
            'holdfast.horizon_windows: `horizon` must be a whole number of days, 1 or more; got: ' ~ asked
        ) -%}
    {%- endif -%}
    {%- set year = 365 -%}
    {%- set days = [[asked, 7] | max, year] | min -%}
    {%- set wanted = [(days / 3) | round | int, days, 2 * days, year] + ([4 * days] if 8 * days <= year else []) -%}
    {%- set windows = [] -%}
    {%- for window in wanted -%}
        {%- do windows.append(year if (window - year) | abs * 5 <= year else window) -%}
    {%- endfor -%}
    {{- return(windows | unique | sort) -}}
{% endmacro %}
