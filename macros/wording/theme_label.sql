{#-
  A SQL expression: what a theme is called, from the var `holdfast_theme_labels`, else in the language of `holdfast_locale`, else
  its name in words. With direction 'risk' the name says what speaks for losing a customer.
-#}
{% macro theme_label(theme, direction=none) %}
    {%- set language = holdfast.language() -%}
    {#- other: the drivers of few customers -#}
    {%- set labels = {'other': language.other} -%}
    {%- for name, words in language.themes.items() -%}
        {%- do labels.update({name: words[0] if direction == 'risk' else words[-1]}) -%}
    {%- endfor -%}
    {%- do labels.update(holdfast.setting('theme_labels')) -%}
    {%- set plain = 'regexp_replace(regexp_replace(' ~ theme ~ ", '^customer_', ''), '_features$', '')" -%}
    {%- set words = 'replace(' ~ plain ~ ", '_', ' ')" -%}
    {{- return(
        holdfast._case_of(theme, labels) ~ ' else upper(substr(' ~ words ~ ', 1, 1)) || substr(' ~ words ~ ', 2) end'
    ) -}}
{% endmacro %}


{#- The beginning of a SQL expression: the text that a dict has for a name. -#}
{% macro _case_of(name, texts) %}
    {%- set cases = [] -%}
    {%- for key, value in texts.items() -%}
        {%- do cases.append('when ' ~ holdfast.text(key) ~ ' then ' ~ (holdfast.text(value) if value is not none else 'null')) -%}
    {%- endfor -%}
    {{- return('case ' ~ name ~ ' ' ~ cases | join(' ')) -}}
{% endmacro %}
