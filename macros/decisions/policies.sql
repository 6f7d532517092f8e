{#- The names of the project's own policies, from the var `holdfast_policies`: models or seeds, each `name` or `package.name`. -#}
{% macro policies() %}
    {%- set names = var('holdfast_policies', []) or [] -%}
    {%- if names is string -%}
        {%- set names = [names] -%}
    {%- endif -%}
    {%- if names is mapping or names is not sequence or names | select('string') | list | length != names | length
        or names | unique | list | length != names | length -%}
        {%- do exceptions.raise_compiler_error(
            'The var `holdfast_policies` must be a list of models or seeds of your project, each once and by its name, such as '
            ~ '[call_back_policy]; got: ' ~ names
        ) -%}
    {%- endif -%}
    {{- return(names) -}}
{% endmacro %}
