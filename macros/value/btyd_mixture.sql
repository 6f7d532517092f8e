{#-
  A SQL expression: the mean of a quantity over the stages that a customer may be at, 0 for one who has stopped. `column` is the
  beginning of the names of its columns, one per stage, such as by_stage.raw for by_stage.raw_0; what a customer's probabilities of
  the stages are stands in alive.share_0, alive.share_1, …
-#}
{% macro btyd_mixture(column) %}
    {%- set terms = [] -%}
    {%- for stage in range(holdfast._most_stages()) -%}
        {%- do terms.append('alive.share_' ~ stage ~ ' * ' ~ column ~ '_' ~ stage) -%}
    {%- endfor -%}
    {{- return(terms | join(' + ')) -}}
{% endmacro %}
