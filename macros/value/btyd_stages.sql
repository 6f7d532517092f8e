{#-
  The stages that the hidden process of a customer who lives may be at, a list of SQL expressions: how likely each is against
  the first, 0 for those that the model does not have. An order is every k-th event of the process, so k - 1 events at most
  have come since the last order, and each is likelier the longer the silence.

  `model` is the alias of a row of btyd_model; the others are SQL expressions: repeat order days, days from the first to the
  last order, and days since the first.
-#}
{% macro btyd_stages(repeats, recency, age, model) %}
    {%- set events = '(' ~ model ~ '.r + ' ~ model ~ '.k * ' ~ repeats ~ ')' -%}
    {%- set silence = '(' ~ age ~ ' - ' ~ recency ~ ') / cast(' ~ model ~ '.alpha + ' ~ age ~ ' as double)' -%}
    {%- set stages = ['1e0'] -%}
    {%- for stage in range(1, holdfast._most_stages()) -%}
        {%- set factors = [] -%}
        {%- for before in range(stage) -%}
            {%- do factors.append('(' ~ events ~ ' + ' ~ before ~ ') * ' ~ silence ~ ' / ' ~ (before + 1) ~ 'e0') -%}
        {%- endfor -%}
        {%- do stages.append('case when ' ~ model ~ '.k > ' ~ stage ~ ' then ' ~ factors | join(' * ') ~ ' else 0e0 end') -%}
    {%- endfor -%}
    {{- return(stages) -}}
{% endmacro %}


{#- The most regular model that is fitted has so many stages, as in the Python package. -#}
{% macro _most_stages() %}
    {{- return(6) -}}
{% endmacro %}
