{#- The select of the first days of the months (`month`, a date) from one date to another, both SQL expressions; none where one is NULL. -#}
{% macro months(first, last) %}
    {{- return(adapter.dispatch('months', 'holdfast')(first, last)) -}}
{% endmacro %}

{% macro default__months(first, last) -%}
select cast(unnest(generate_series(
        date_trunc('month', {{ first }}), date_trunc('month', {{ last }}), interval 1 month
    )) as date) as month
{%- endmacro %}

{% macro spark__months(first, last) -%}
select cast(explode(sequence(
        date_trunc('month', {{ first }}), date_trunc('month', {{ last }}), interval 1 month
    )) as date) as month
{%- endmacro %}
