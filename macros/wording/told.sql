{#-
  A SQL expression of a sentence of the catalogue: numbers as in reasons, `{days:# day|# days}`, and texts as `<product>`.
  `values` maps names to SQL expressions of numbers or texts; where one of them is NULL the sentence is NULL. A number in
  the format date is a day, counted from the column as_of.
-#}
{% macro told(template, values) %}
    {%- set parts = [] -%}
    {%- for part in modules.re.split('(<[a-z_]+>)', template) if part -%}
        {%- if part.startswith('<') and part.endswith('>') -%}
            {%- do parts.append('cast(' ~ values[part[1:-1]] ~ ' as varchar)') -%}
        {%- else -%}
            {%- do parts.append(holdfast.sentence(part, {}, values, holdfast.language()).sql) -%}
        {%- endif -%}
    {%- endfor -%}
    {{- return(parts | join(' || ')) -}}
{% endmacro %}
