{#-
  The moment that is scored: the build's as-of date, or the latest of a spine of the user's own. A SQL expression of type
  TIMESTAMP, settled once per invocation of dbt as the as-of date is.
-#}
{% macro scoring_as_of() %}
    {%- if var('holdfast_spine', none) is none -%}
        {{- return('cast(' ~ holdfast.as_of_date() ~ ' as timestamp)') -}}
    {%- endif -%}
    {%- set spine = ref('holdfast', 'holdfast__customer_spine') -%}
    {%- if not execute or not holdfast.exists(spine) -%}
        {{- return('(select max(as_of) from ' ~ spine ~ ')') -}}
    {%- endif -%}
    {{- return(holdfast._settled_moment(spine)) -}}
{% endmacro %}


{#- The latest moment of a spine of the user's own, as this invocation has settled it, or settles it now. -#}
{% macro _settled_moment(spine) %}
    {%- if not holdfast._can_settle() -%}
        {{- return('(select max(as_of) from ' ~ spine ~ ')') -}}
    {%- endif -%}
    {%- set moment = holdfast._settled('scoring_as_of') -%}
    {%- if moment is none -%}
        {%- set query = holdfast._query_of('customer_spine', 'max(as_of)') -%}
        {%- set part = holdfast._part_of_build() -%}
        {%- if part.lacks_scores or not (part.makes_spine or part.leads_to_scores) -%}
            {%- set scored = holdfast._query_of('churn_scores', 'arg_max(as_of, (scored_at, as_of))') -%}
            {%- set query = 'coalesce(' ~ scored ~ ', ' ~ query ~ ')' if scored else query -%}
        {%- endif -%}
        {%- set moment = holdfast._settled('scoring_as_of', query) -%}
    {%- endif -%}
    {{- return('cast(' ~ holdfast.text(moment) ~ ' as timestamp)' if moment else 'cast(null as timestamp)') -}}
{% endmacro %}
