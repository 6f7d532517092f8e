{#-
  The catalogue of the language in `holdfast_locale`, a dict: how numbers, amounts and dates are written, and the words of
  statements, themes and actions.
-#}
{% macro language() %}
    {%- set locale = holdfast.setting('locale') -%}
    {%- if locale == 'de' -%}
        {{- return(holdfast._german()) -}}
    {%- elif locale == 'ru' -%}
        {{- return(holdfast._russian()) -}}
    {%- endif -%}
    {{- return(holdfast._english()) -}}
{% endmacro %}
