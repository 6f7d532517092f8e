{#-
  The windows in which orders are counted, in days: those that are asked for by name, in reasons, marts and dashboards, whatever
  the horizon is, and for a horizon under 12 weeks or over a year those of horizon_windows that none of them is within a fifth of.
  90 days give [30, 90, 180, 365], 14 days [30, 90, 180, 365, 5, 14, 56], 365 days [30, 90, 180, 365, 730].
-#}
{% macro order_windows(horizon=none) %}
    {%- set days = holdfast.setting('churn_horizon_days') if horizon is none else horizon -%}
    {%- set windows = [30, 90, 180, 365] -%}
    {%- for wanted in holdfast.horizon_windows(days) if days < 84 or wanted > 365 -%}
        {%- set near = namespace(any=false) -%}
        {%- for window in windows if (wanted - window) | abs * 5 <= window -%}
            {%- set near.any = true -%}
        {%- endfor -%}
        {%- if not near.any -%}
            {%- do windows.append(wanted) -%}
        {%- endif -%}
    {%- endfor -%}
    {{- return(windows) -}}
{% endmacro %}
