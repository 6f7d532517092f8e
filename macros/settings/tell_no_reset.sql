{#- Says that `holdfast_reset: true` has no effect on a command that builds nothing. -#}
{% macro tell_no_reset() %}
    {%- set command = 'docs generate' if flags.WHICH == 'generate' else flags.WHICH -%}
    {%- do log(
        'holdfast_reset: this `dbt ' ~ command ~ '` drops no history; `dbt build` and `dbt run` do, for the models they select', info=true
    ) -%}
{% endmacro %}
