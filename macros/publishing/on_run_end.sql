{#- The hook at the end of a run: publishes what it has built, and sums the run up. -#}
{% macro on_run_end(results) %}
    {%- if not execute -%}
        {{- return('') -}}
    {%- endif -%}
    {%- set began = modules.datetime.datetime.now() -%}
    {%- set publication = holdfast.publish(results) -%}
    {%- set seconds = (modules.datetime.datetime.now() - began).total_seconds() -%}
    {%- do holdfast.digest(results, publication, seconds) -%}
    {#- the hook's own statement fails, and with it the build -#}
    {{- return(holdfast.select_error(publication.error) if publication.error else '') -}}
{% endmacro %}
