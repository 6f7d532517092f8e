{#- A SQL condition: the setting `holdfast_review` wants a person for an action. -#}
{% macro needs_review(action) %}
    {%- set review = holdfast.setting('review') -%}
    {%- if review is string -%}
        {{- return('true' if review == 'all' else 'false') -}}
    {%- elif not review -%}
        {{- return('false') -}}
    {%- endif -%}
    {%- set actions = [] -%}
    {%- for each in review -%}
        {%- do actions.append(holdfast.text(each)) -%}
    {%- endfor -%}
    {{- return(action ~ ' in (' ~ actions | join(', ') ~ ')') -}}
{% endmacro %}
